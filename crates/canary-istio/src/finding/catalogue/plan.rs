//! The rules of a rollout's plan.

use super::{super::Severity, Area, Rule, Source};

pub(super) const RULES: &[Rule] = rules! { Plan, Canary;
    C101 Error: "a name is empty or not one that Kubernetes accepts", "use lower-case letters, digits, `-` and `.`, 63 characters at most";
    C102 Error: "stable and canary are the same subset", "name the subset that is to be tested";
    C103 Error: "the header that leads to the canary is not one that Istio matches, or its value is empty", "write a name in lower case and a value, such as user-group: canary";
    C104 Error or Warning: "alpha does not lie between 0 and 1, or is very large (warning)", "use 0.05";
    C105 Error: "patience or settle leaves no time for a step", "keep settle below patience";
    C106 Error: "there are no steps, or too many", "give the weights, such as 5, 30 and 100";
    C107 Error: "a percentage is over 100", "write 100 at most";
    C108 Error or Warning: "weights go down, or a step changes nothing (warning)", "order the steps by weight, and lengthen a hold instead of repeating a step";
    C109 Error: "a hold is zero, or a step below 100 has none", "state requests, totalRequests, pairs or time";
    C110 Error: "a hold lasts as long as the patience", "raise patience above it";
    C111 Error: "a hold by pairs needs a header that leads to the canary, or a mirror", "give the plan a header";
    C112 Error: "a hold by the canary's requests at weight 0 sees none", "hold by pairs, by time or by totalRequests, or give the step a weight";
    C113 Error: "there are too many guardrails, or too many weights for them", "use fewer guardrails, or fewer different weights";
    C114 Warning: "nothing is tested, or rates are compared without a test of the split", "add a guardrail such as errorRatio, and observedSplit";
    C115 Error: "a guardrail's name is empty, too long or used twice", "name the guardrail with 1 to 63 characters of its own";
    C116 Error: "a guardrail has no part of alpha", "give a share above 0, or leave the guardrail out";
    C117 Error: "a bound of a guardrail is out of its range", "write a value in the range that the message names";
    C118 Error: "no step gives a guardrail the evidence it needs", "add a step that divides the traffic, or a header for pairs";
    C119 Error or Warning: "a gate has no name, inputs, bound or route; one that no step names warns", "complete the gate, and name it at a step";
    C120 Error: "a step names a gate that does not exist", "define it under gates";
    C121 Error: "a hold is below the least number of observations that a guardrail needs, or that number is 0", "raise the hold, or state a smaller minimum of the guardrail";
    C122 Error: "the plan does not end at 100, where a promotion leads", "add a last step of weight 100";
    C123 Error: "the canary is not observed before it gets all of the traffic", "add a step with a weight between 1 and 99";
    C124 Error: "the steps need more pairs than the distinct inputs that a run remembers, at most 26 000", "hold by fewer pairs";
    C125 Error or Warning: "a request is slow only after the requestTimeout, or counts of ended requests would never be used (warning)", "raise requestTimeout, and keep it below patience";
    C126 Error: "an approval has no time, or a consequence that never comes", "give a timeout such as 4h, or leave out both";
    C127 Error or Warning: "labels are awaited and no guardrail uses them, or used and not awaited, or for no time; or for longer than a step's patience (warning)", "add the guardrail accuracy, and keep labels.within below patience";
    C128 Error or Warning: "an A/A plan divides no traffic, compares no rates, or scales a version down; or it states a proof, which it does not wait for (warning)", "add a step with a weight between 1 and 99, and errorRatio or slowRatio";
    C129 Error or Warning: "users are counted and no guardrail counts them, one cannot, they are too many, or for no time; or for longer than a step's patience (warning)", "use errorRatio, slowRatio, errorRate or mean, and keep users.within below patience";
    C130 Error: "planned looks need holds that fix the requests, bursts: none and a ratio of rates", "hold each step by totalRequests, or leave sequential out";
};
