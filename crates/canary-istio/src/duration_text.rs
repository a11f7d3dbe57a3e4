//! The text form of the two kinds of durations, which keep the text that they were read from.

/// Writes, for a type with a member `text` that implements `FromStr`, how it is shown, written and read: as that text.
macro_rules! as_text {
    ($duration:ident) => {
        impl std::fmt::Display for $duration {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl std::fmt::Debug for $duration {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl serde::Serialize for $duration {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $duration {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $duration;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a duration such as `5s` or `1h30m`")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$duration, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_newtype_struct<D: serde::Deserializer<'de>>(
                        self,
                        deserializer: D,
                    ) -> Result<$duration, D::Error> {
                        deserializer.deserialize_str(self)
                    }
                }

                // The reader recognises this name, to give the advice for a bare number.
                deserializer.deserialize_newtype_struct("Duration", Visitor)
            }
        }
    };
}

pub(crate) use as_text;
