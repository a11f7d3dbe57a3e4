"""Releases by version labels within the same servers, on the lab."""

import copy
import pickle

import pytest

import canary

TARGET = canary.VersionLabels("pets", 42, deployment="classifiers-v1", service="classifiers")


def plan(**settings):
    settings = {"hold": {"pairs": 60}, "guards": [canary.agreement(0.9), canary.pair_errors()], "settle": 0} | settings
    return canary.Plan(target=TARGET, stable="stable", canary="canary", **settings)


def lab(new):
    models = {"/models/pets/41": canary.ScriptedModel("cat", 0.9), "/models/pets/42": new}
    lab = canary.Lab(models=models)
    pets = canary.ModelConfig("pets", "/models/pets", versions=[41], labels={"stable": 41})
    lab.apply(canary.Workload("classifiers", "v1", models=canary.ModelServerConfig([pets]), replicas=2))
    lab.wait_ready()
    return lab


def labels(lab):
    text = lab.get("ConfigMap", "classifiers-v1-configs")["data"]["models.config"]
    return canary.ModelServerConfig.from_text(text).models[0].labels


def test_a_good_version_is_promoted():
    with lab(canary.ScriptedModel("cat", 0.8)) as mesh:
        verdict = plan().run(mesh, tick=0.05).wait()
        assert verdict.name == "promote", verdict
        assert labels(mesh) == {"stable": 42}


def test_a_bad_version_is_taken_away():
    with lab(canary.ScriptedModel("dog", 0.8)) as mesh:
        verdict = plan().run(mesh, tick=0.05).wait()
        assert verdict.name == "rollback", verdict
        assert labels(mesh) == {"stable": 41}


def test_the_usual_steps_are_those_that_labels_allow():
    usual = canary.Plan(target=TARGET, stable="stable", canary="canary", guards=[canary.agreement(0.9)])
    assert usual.weights == [0, 100]
    assert usual.steps[0]["hold"] == {"pairs": 500}
    assert [guard.name for guard in usual.guards] == ["agreement"]
    with pytest.raises(canary.InvalidError, match="a mesh cannot divide traffic between the labels of one server"):
        plan(steps=[30, 100])
    with pytest.raises(canary.InvalidError, match="their latencies cannot be told apart"):
        plan(guards=[canary.agreement(0.9), canary.slow_ratio(1.0)])


def test_a_target_is_a_value():
    assert copy.copy(TARGET) == pickle.loads(pickle.dumps(TARGET)) == TARGET
    assert hash(TARGET) == hash(copy.deepcopy(TARGET))
    named = canary.VersionLabels("pets", 42, deployment="d", service="s", namespace="n", config_map="c", file="f")
    assert (named.namespace, named.config_map, named.file) == ("n", "c", "f")
    assert named != TARGET
    made = plan()
    assert made.target == TARGET
    assert canary.Plan.from_yaml(made.to_yaml()) == made
    assert canary.Plan.from_dict(made.to_dict()).target == TARGET
    given = {"namespace": "default", "versionLabels": TARGET.to_dict()}
    assert canary.Plan(target=given, stable="stable", canary="canary", guards=[canary.agreement(0.9)]).target == TARGET


def test_a_function_cannot_choose_a_version():
    with lab(canary.ScriptedModel("cat", 0.8)) as mesh, pytest.raises(canary.CanaryError):
        plan().run(mesh, client=lambda *_: ("stable", "cat"), inputs=[b"x"], tick=0.05).wait()
