//! The prediction that a pair compares, out of the outputs of an answer.

use std::{fmt, sync::Arc};

use super::answer::Answer;
use crate::{
    error::{Error, Result},
    tensor::{Tensor, TensorData},
};

/// One prediction: a class, or a number as text, and the probability where there is one.
pub type Predicted = (String, Option<f64>);

/// A function that gives the prediction of each row of an answer.
type Function = dyn Fn(&Answer) -> Result<Vec<Option<Predicted>>> + Send + Sync;

/// The part of an answer that a rollout compares: one prediction for each row of the batch.
///
/// The other choices than [`Prediction::labels`] read one output: that of the name, or the only one without a name.
///
/// ```
/// use canary_core::predict::{Answer, AnswerParts, Prediction};
/// use canary_core::tensor::{Tensor, TensorData};
///
/// let logits = Tensor::new(vec![1, 2], TensorData::Float(vec![0.0, 3.0_f32.ln()]))?;
/// let parts = AnswerParts { outputs: vec![("logits".into(), logits)], ..AnswerParts::default() };
/// let answer = Answer::from_parts(parts)?;
/// let rows = Prediction::argmax().classes(["cat", "dog"]).of(&answer)?;
/// let (class, probability) = rows[0].clone().unwrap();
/// assert_eq!(class, "dog");
/// assert!((probability.unwrap() - 0.75).abs() < 1e-6);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Prediction {
    kind: Kind,
    output: Option<String>,
    classes: Vec<String>,
}

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Labels,
    Argmax,
    Class,
    Number,
    By(Arc<Function>),
}

impl Prediction {
    /// The most probable label, from the outputs `labels` and `probabilities`, or `classes` and `scores`; a new client
    /// reads this.
    pub fn labels() -> Self {
        Self::default()
    }

    /// The class with the highest score, the first of equal ones, from an output of one score for each class. Scores
    /// from 0 to 1 whose sum is 1 are probabilities; others are logits, of which the probability is the softmax. Classes
    /// are named by [`Prediction::classes`], or by their index.
    pub fn argmax() -> Self {
        Self { kind: Kind::Argmax, ..Self::default() }
    }

    /// The class itself, from an output of one string or whole number for each row. It has no probability.
    pub fn class() -> Self {
        Self { kind: Kind::Class, ..Self::default() }
    }

    /// A number as text, from an output of one number for each row, such as a regression's. It has no probability, and NaN
    /// is no prediction;
    /// `canary_core::evidence::close` compares two of them.
    pub fn number() -> Self {
        Self { kind: Kind::Number, ..Self::default() }
    }

    /// The predictions that a function gives, one for each row; an error of it is the caller's and ends a run.
    pub fn by(
        function: impl Fn(&Answer) -> Result<Vec<Option<Predicted>>> + Send + Sync + 'static,
    ) -> Self {
        Self { kind: Kind::By(Arc::new(function)), ..Self::default() }
    }

    /// Reads the output of this name.
    #[must_use]
    pub fn output(self, name: impl Into<String>) -> Self {
        Self { output: Some(name.into()), ..self }
    }

    /// Names the classes of [`Prediction::argmax`], in the model's order.
    #[must_use]
    pub fn classes<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { classes: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// True when its errors are those of the caller's function.
    #[cfg(feature = "rollout")]
    pub(crate) fn is_function(&self) -> bool {
        matches!(self.kind, Kind::By(_))
    }

    /// The prediction of each row of an answer; `None` for a row without one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the answer has no such output, or several and none is named; [`Error::Input`] when its
    /// shape or type does not fit; the function's own error.
    pub fn of(&self, answer: &Answer) -> Result<Vec<Option<Predicted>>> {
        match &self.kind {
            Kind::Labels => {
                let rows = answer.top_rows()?.into_iter();
                let first = |row: Vec<(String, f32)>| row.into_iter().next();
                Ok(rows.map(|row| first(row).map(|(class, p)| (class, Some(p.into())))).collect())
            }
            Kind::By(function) => function(answer),
            Kind::Argmax => self.highest(answer),
            Kind::Class => {
                let (name, tensor) = self.one(answer)?;
                let texts = texts(tensor).map(|all| all.into_iter().map(Some).collect());
                Ok(each(name, tensor, texts, "one string or whole number for each row")?)
            }
            Kind::Number => {
                let (name, tensor) = self.one(answer)?;
                // The shortest text that is read back as the same number. A NaN is no prediction: two models that
                // both give it do not agree.
                let text = |number: &f64| (!number.is_nan()).then(|| number.to_string());
                let numbers = numbers(tensor).map(|all| all.iter().map(text).collect());
                Ok(each(name, tensor, numbers, "one number for each row")?)
            }
        }
    }

    /// The output that is read, with its name.
    fn one<'a>(&'a self, answer: &'a Answer) -> Result<(&'a str, &'a Tensor)> {
        if let Some(name) = &self.output {
            return Ok((name, answer.output(name)?));
        }
        let mut outputs = answer.outputs();
        match (outputs.next(), outputs.next()) {
            (Some(only), None) => Ok(only),
            _ => answer.single().map(|tensor| ("", tensor)),
        }
    }

    fn highest(&self, answer: &Answer) -> Result<Vec<Option<Predicted>>> {
        let (name, tensor) = self.one(answer)?;
        let columns = self.classes.len();
        let expected = || match columns {
            0 => "[rows, classes] of numbers, two classes or more".to_owned(),
            _ => format!("[rows, {columns}] of numbers, one for each class name"),
        };
        let fits = |found: usize| if columns == 0 { found > 1 } else { found == columns };
        let (Some(scores), [.., found]) = (numbers(tensor), tensor.shape()) else {
            return Err(unfit(name, tensor, &expected()));
        };
        if tensor.shape().len() > 2 || !fits(*found) {
            return Err(unfit(name, tensor, &expected()));
        }
        Ok(scores.chunks_exact(*found).map(|row| Some(self.best(row))).collect())
    }

    /// The class with the highest score of a row; one with a NaN has the probability NaN, which is no prediction.
    fn best(&self, row: &[f64]) -> Predicted {
        let mut best = 0;
        for (index, score) in row.iter().enumerate() {
            if *score > row[best] {
                best = index;
            }
        }
        let class = self.classes.get(best).cloned().unwrap_or_else(|| best.to_string());
        let sum: f64 = row.iter().sum();
        let probability = if row.iter().any(|score| score.is_nan()) {
            f64::NAN
        } else if row.iter().all(|score| (0.0..=1.0).contains(score)) && (sum - 1.0).abs() <= 1e-3 {
            row[best]
        } else {
            // Of the highest one the numerator is 1.
            1.0 / row.iter().map(|score| (score - row[best]).exp()).sum::<f64>()
        };
        (class, Some(probability))
    }
}

impl fmt::Debug for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Labels => "labels",
            Kind::Argmax => "argmax",
            Kind::Class => "class",
            Kind::Number => "number",
            Kind::By(_) => "function",
        };
        f.debug_struct("Prediction")
            .field("kind", &kind)
            .field("output", &self.output)
            .field("classes", &self.classes.len())
            .finish()
    }
}

fn unfit(name: &str, tensor: &Tensor, expected: &str) -> Error {
    Error::Input {
        what: format!("output {name:?}"),
        reason: format!(
            "found {}{:?}, expected {expected}; choose the prediction that fits it",
            tensor.dtype(),
            tensor.shape()
        ),
    }
}

/// One prediction without a probability for each row of an array that has one value a row.
fn each(
    name: &str,
    tensor: &Tensor,
    values: Option<Vec<Option<String>>>,
    expected: &str,
) -> Result<Vec<Option<Predicted>>> {
    // MLServer makes [N, 1] of [N].
    let one_a_row = tensor.shape().iter().skip(1).all(|&length| length == 1);
    match values.filter(|_| one_a_row) {
        Some(values) => Ok(values.into_iter().map(|value| Some((value?, None))).collect()),
        None => Err(unfit(name, tensor, expected)),
    }
}

fn texts(tensor: &Tensor) -> Option<Vec<String>> {
    fn all<T: ToString>(values: &[T]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }
    if let Some(texts) = tensor.to_texts() {
        return Some(texts.into_iter().map(std::borrow::Cow::into_owned).collect());
    }
    Some(match tensor.data() {
        TensorData::Bool(values) => all(values),
        TensorData::Int8(values) => all(values),
        TensorData::Int16(values) => all(values),
        TensorData::Int32(values) => all(values),
        TensorData::Int64(values) => all(values),
        TensorData::Uint8(values) => all(values),
        TensorData::Uint16(values) => all(values),
        TensorData::Uint32(values) => all(values),
        TensorData::Uint64(values) => all(values),
        _ => return None,
    })
}

/// The elements as 64-bit floats, each the nearest.
fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    fn all<T: Copy + Into<f64>>(values: &[T]) -> Vec<f64> {
        values.iter().map(|&value| value.into()).collect()
    }
    #[expect(clippy::cast_precision_loss, reason = "scores are compared, not counted")]
    Some(match tensor.data() {
        // The shortest text of a 32-bit float, so that 0.1 is not 0.10000000149011612.
        TensorData::Float(values) => values
            .iter()
            .map(|value| value.to_string().parse().unwrap_or_else(|_| f64::from(*value)))
            .collect(),
        TensorData::Double(values) => values.clone(),
        TensorData::Half(bits) => {
            bits.iter().map(|&bits| half::f16::from_bits(bits).to_f64()).collect()
        }
        TensorData::Bfloat16(bits) => {
            bits.iter().map(|&bits| half::bf16::from_bits(bits).to_f64()).collect()
        }
        TensorData::Int8(values) => all(values),
        TensorData::Int16(values) => all(values),
        TensorData::Int32(values) => all(values),
        TensorData::Uint8(values) => all(values),
        TensorData::Uint16(values) => all(values),
        TensorData::Uint32(values) => all(values),
        TensorData::Int64(values) => values.iter().map(|&value| value as f64).collect(),
        TensorData::Uint64(values) => values.iter().map(|&value| value as f64).collect(),
        TensorData::Bool(_) | TensorData::String(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::AnswerParts;

    fn answer(outputs: &[(&str, &[usize], TensorData)]) -> Answer {
        let outputs = outputs.iter().map(|(name, shape, data)| {
            ((*name).to_owned(), Tensor::new(shape.to_vec(), data.clone()).unwrap())
        });
        let parts = AnswerParts { outputs: outputs.collect(), ..AnswerParts::default() };
        Answer::from_parts(parts).unwrap()
    }

    fn one(prediction: &Prediction, shape: &[usize], data: TensorData) -> Vec<Option<Predicted>> {
        prediction.of(&answer(&[("y", shape, data)])).unwrap()
    }

    #[test]
    fn scores_become_the_class_of_the_highest() {
        let floats = |values: &[f32]| TensorData::Float(values.to_vec());
        let rows = one(&Prediction::argmax(), &[2, 3], floats(&[0.2, 0.7, 0.1, 0.5, 0.5, 0.0]));
        assert_eq!(rows[0], Some(("1".to_owned(), Some(0.7))));
        assert_eq!(rows[1], Some(("0".to_owned(), Some(0.5))), "the first of equal ones");
        let named = Prediction::argmax().classes(["cat", "dog"]);
        let logits = TensorData::Double(vec![1000.0, 1000.0 + 3_f64.ln()]);
        let rows = one(&named, &[1, 2], logits);
        let (class, probability) = rows[0].clone().unwrap();
        assert!(class == "dog" && (probability.unwrap() - 0.75).abs() < 1e-9);
        let rows = one(&named, &[2], floats(&[f32::NAN, 1.0]));
        assert!(rows[0].clone().unwrap().1.unwrap().is_nan());
        for (shape, count) in [(&[3][..], 3), (&[1, 2, 1], 2), (&[2, 1], 2)] {
            let wrong = answer(&[("y", shape, floats(&vec![0.5; count]))]);
            let error = named.of(&wrong).unwrap_err().to_string();
            assert!(error.contains("one for each class name"), "{error}");
        }
        let text = answer(&[("y", &[1, 2], TensorData::String(vec![vec![], vec![]]))]);
        assert!(Prediction::argmax().of(&text).is_err());
    }

    #[test]
    fn classes_and_numbers_stand_for_themselves() {
        let class = Prediction::class();
        let rows = one(&class, &[2, 1], TensorData::Int64(vec![7, i64::MAX]));
        assert_eq!(rows[1], Some(("9223372036854775807".to_owned(), None)));
        let rows = one(&class, &[1], TensorData::String(vec![b"cat".to_vec()]));
        assert_eq!(rows[0], Some(("cat".to_owned(), None)));
        let number = Prediction::number();
        let rows = one(&number, &[2], TensorData::Float(vec![0.1, f32::NAN]));
        assert_eq!(rows, [Some(("0.1".to_owned(), None)), None], "NaN is no prediction");
        let wide = answer(&[("y", &[1, 2], TensorData::Float(vec![0.0; 2]))]);
        assert!(number.of(&wide).unwrap_err().to_string().contains("one number for each row"));
        assert!(class.of(&wide).is_err());
    }

    #[test]
    fn several_outputs_need_a_name() {
        let two = answer(&[
            ("a", &[1], TensorData::Int32(vec![1])),
            ("b", &[1], TensorData::Int32(vec![2])),
        ]);
        let error = Prediction::number().of(&two).unwrap_err().to_string();
        assert!(error.contains("\"a\", \"b\""), "{error}");
        let rows = Prediction::number().output("b").of(&two).unwrap();
        assert_eq!(rows[0], Some(("2".to_owned(), None)));
        assert!(Prediction::number().output("c").of(&two).is_err());
        let own =
            Prediction::by(|answer| Ok(vec![Some((answer.outputs().len().to_string(), None))]));
        assert_eq!(own.of(&two).unwrap()[0], Some(("2".to_owned(), None)));
        assert!(format!("{own:?}").contains("function"));
    }
}
