//! The models of a server: the file of `--model_config_file`.

use std::collections::BTreeSet;

use canary_istio::{Finding, Findings};
use canary_proto::tensorflow::serving as wire;
use serde::{Deserialize, Serialize};

use super::{ModelConfig, text_form};
use crate::Result;

const NAME: &str = "ModelServerConfig";

/// The models that one TensorFlow Serving serves.
///
/// ```
/// use canary_core::serving::{ModelServerConfig, VersionPolicy};
///
/// let text = r#"
/// model_config_list {
///   config {
///     name: "pets", base_path: "/models/pets", model_platform: "tensorflow"
///     model_version_policy { specific { versions: [41, 42] } }
///     version_labels { key: "stable" value: 41 }
///   }
/// }"#;
/// let config: ModelServerConfig = text.parse()?;
/// assert_eq!(config.models[0].policy, VersionPolicy::Specific(vec![41, 42]));
/// assert_eq!(config.models[0].labels["stable"], 41);
/// assert_eq!(config.to_text().parse::<ModelServerConfig>()?, config);
/// # Ok::<(), canary_core::serving::Error>(())
/// ```
///
/// Source: <https://www.tensorflow.org/tfx/serving/serving_config#model_server_config_details>.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelServerConfig {
    /// The models, each with another name.
    pub models: Vec<ModelConfig>,
}

impl ModelServerConfig {
    /// The configuration of these models.
    pub fn new(models: impl IntoIterator<Item = ModelConfig>) -> Self {
        Self { models: models.into_iter().collect() }
    }

    /// The file, in protobuf's text form.
    pub fn to_text(&self) -> String {
        text_form::write(NAME, &self.to_message())
    }

    /// The configuration as TensorFlow Serving's message.
    ///
    /// ```
    /// use canary_core::serving::{ModelConfig, ModelServerConfig};
    ///
    /// let message = ModelServerConfig::new([ModelConfig::new("m", "/models/m")]).to_message();
    /// assert_eq!(message.model_config_list.unwrap().config[0].name, "m");
    /// ```
    pub fn to_message(&self) -> wire::ModelServerConfig {
        let config = self.models.iter().map(ModelConfig::to_message).collect();
        wire::ModelServerConfig { model_config_list: Some(wire::ModelConfigList { config }) }
    }

    /// The configuration in TensorFlow Serving's message.
    ///
    /// ```
    /// use canary_core::serving::{ModelConfig, ModelServerConfig};
    ///
    /// let config = ModelServerConfig::new([ModelConfig::new("m", "/models/m").label("stable", 1)]);
    /// assert_eq!(ModelServerConfig::of_message(config.to_message()), config);
    /// ```
    pub fn of_message(message: wire::ModelServerConfig) -> Self {
        let models = message.model_config_list.unwrap_or_default().config;
        Self { models: models.into_iter().map(ModelConfig::of_message).collect() }
    }

    /// Finds the mistakes for which a server would refuse the file; those of a model begin with its place.
    pub fn validate(&self) -> Findings {
        let mut findings = Findings::new();
        if self.models.is_empty() {
            findings.push(
                Finding::error("C200", "models", "has no model").object(NAME).help(
                    "name at least one model; a running server that is given none unloads all",
                ),
            );
        }
        let mut names = BTreeSet::new();
        for (at, model) in self.models.iter().enumerate() {
            for mut finding in model.validate() {
                finding.path = format!("models[{at}].{}", finding.path);
                findings.push(finding);
            }
            if !names.insert(&model.name) {
                findings.push(
                    Finding::error("C200", format!("models[{at}].name"), "is a model's name twice")
                        .object(NAME)
                        .found(&model.name)
                        .help("give each model a name of its own; versions of one model share its entry"),
                );
            }
        }
        findings
    }
}

impl std::str::FromStr for ModelServerConfig {
    type Err = crate::Error;

    /// Reads the file as strictly as the server does: an unknown field, a field given twice and two policies are errors.
    fn from_str(text: &str) -> Result<Self> {
        let message: wire::ModelServerConfig = text_form::read("model config file", NAME, text)?;
        Ok(Self::of_message(message))
    }
}

#[cfg(test)]
mod tests {
    use canary_proto::prost::Message;

    use super::*;
    use crate::workload::settings::{RequestLog, VersionPolicy};

    /// The bytes that protobuf's own Python package writes.
    #[test]
    fn the_message_is_the_one_of_tensorflow_serving() {
        let model = ModelConfig::new("m", "/models/m")
            .policy(VersionPolicy::Specific(vec![1, 2]))
            .label("canary", 2)
            .label("stable", 1);
        let bytes = ModelServerConfig::new([model]).to_message().encode_to_vec();
        let hex: String = bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from_digit(digit.into(), 16).unwrap())
            .collect();
        assert_eq!(
            hex,
            "0a3d0a3b0a016d12092f6d6f64656c732f6d220a74656e736f72666c6f773a07b206040a020102420a0a0663\
             616e6172791002420a0a06737461626c651001"
        );
    }

    #[test]
    fn a_file_is_read_and_written_again() {
        let mut logged = ModelConfig::new("b", "s3://bucket/b").policy(VersionPolicy::All);
        logged.log = Some(RequestLog {
            collector: "file".to_owned(),
            filename_prefix: "/tmp/\"log\"".to_owned(),
            sampling_rate: 0.25,
        });
        let config = ModelServerConfig::new([
            ModelConfig::new("a", "/models/a").policy(VersionPolicy::Latest(3)),
            logged,
            ModelConfig::new("c", "/models/c")
                .policy(VersionPolicy::Specific(vec![7]))
                .label("x", 7),
            ModelConfig::new("d", "/models/d"),
        ]);
        assert!(config.validate().is_empty(), "{}", config.validate());
        assert_eq!(config.to_text().parse::<ModelServerConfig>().unwrap(), config);
    }

    #[test]
    fn every_way_of_writing_it_is_read() {
        let expected = ModelServerConfig::new([ModelConfig::new("m", "/m")
            .policy(VersionPolicy::Specific(vec![1, 2]))
            .label("stable", 1)]);
        for text in [
            "model_config_list { config { name: 'm' base_path: \"/m\" model_platform: \"tensorflow\" \
             model_version_policy { specific { versions: 1 versions: 2 } } \
             version_labels { key: \"stable\" value: 1 } } }",
            "# a comment\nmodel_config_list: { config: [{ name: \"m\"; base_path: \"/\" \"m\", \
             model_platform: \"tensorflow\", model_version_policy: < specific: { versions: [1, 2] } > \
             version_labels: { value: 1, key: 'stable' } }] }",
        ] {
            assert_eq!(text.parse::<ModelServerConfig>().unwrap(), expected, "{text}");
        }
        // A label that is given twice: the last one counts.
        let twice = "model_config_list { config { name: 'm' base_path: '/m' model_platform: 'tensorflow' \
                     version_labels { key: 'a' value: 1 } version_labels { key: 'a' value: 2 } } }";
        assert_eq!(twice.parse::<ModelServerConfig>().unwrap().models[0].labels["a"], 2);
    }

    #[test]
    fn what_a_server_refuses_is_an_error() {
        for (text, said) in [
            ("model_config_list { configs {} }", "configs"),
            ("model_config_list { config { name: 'a' name: 'b' } }", "name"),
            (
                "model_config_list { config { model_version_policy { all {} latest {} } } }",
                "policy_choice",
            ),
            ("model_config_list {\n config { name: 7 } }", "line 2, column 17: expected a string"),
            ("model_config_list {", "reached end of input"),
        ] {
            let error = text.parse::<ModelServerConfig>().unwrap_err().to_string();
            assert!(error.contains("model config file") && error.contains(said), "{error}");
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let mut broken = ModelServerConfig::new([
            ModelConfig::new("a", "models/a").policy(VersionPolicy::Latest(0)),
            ModelConfig::new("a", "/m").policy(VersionPolicy::Specific(vec![1, -2])).label("b", 3),
            ModelConfig::new("", "/m").policy(VersionPolicy::Specific(vec![])),
        ]);
        broken.models[2].platform.clear();
        let paths: Vec<String> =
            broken.validate().into_iter().map(|finding| finding.path).collect();
        assert_eq!(
            paths,
            [
                "models[0].base_path",
                "models[0].model_version_policy",
                "models[1].model_version_policy",
                "models[1].version_labels",
                "models[1].name",
                "models[2].name",
                "models[2].model_platform",
                "models[2].model_version_policy",
            ]
        );
        assert_eq!(ModelServerConfig::default().validate().len(), 1);
    }
}
