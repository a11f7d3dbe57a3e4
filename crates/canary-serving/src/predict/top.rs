//! The most probable classes of an answer.

use crate::{
    error::{Error, Result},
    tensor::{Tensor, TensorData},
};

fn unfit(what: &str, found: &Tensor, expected: &str) -> Error {
    Error::Input {
        what: format!("output {what}"),
        reason: format!(
            "found {} of shape {:?}, expected {expected}",
            found.dtype(),
            found.shape()
        ),
    }
}

/// Rows and columns of a matrix; a vector is one row.
fn matrix(tensor: &Tensor) -> Option<(usize, usize)> {
    match *tensor.shape() {
        [columns] => Some((1, columns)),
        [rows, columns] => Some((rows, columns)),
        _ => None,
    }
}

// Probabilities are shown to people; a double is rounded to the nearest float.
#[allow(clippy::cast_possible_truncation)]
fn floats(what: &str, tensor: &Tensor) -> Result<Vec<f32>> {
    match tensor.data() {
        TensorData::Float(values) => Ok(values.clone()),
        TensorData::Double(values) => Ok(values.iter().map(|&value| value as f32).collect()),
        // A row of whole numbers, such as [1, 0], has no points in JSON when the server is not TensorFlow's.
        #[allow(clippy::cast_precision_loss)]
        TensorData::Int64(values) => Ok(values.iter().map(|&value| value as f32).collect()),
        _ => Err(unfit(what, tensor, "floats")),
    }
}

/// The indexes of a row by falling value; NaN comes last, equal values keep their order.
fn falling(row: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    let key = |index: usize| if row[index].is_nan() { f32::NEG_INFINITY } else { row[index] };
    order.sort_by(|&left, &right| key(right).total_cmp(&key(left)));
    order
}

/// The labels and probabilities of the first row in the JSON of a predict answer, most probable first: what
/// [`super::Answer::top`] gives, for answers from a log.
///
/// ```
/// use canary_core::predict::read_top;
///
/// let body = br#"{"predictions": [{"labels": ["suit", "gown"], "probabilities": [0.25, 0.5]}]}"#;
/// assert_eq!(read_top(body)?[0], ("gown".to_owned(), 0.5));
/// # Ok::<(), canary_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::Predict`] when the text is no predict answer, [`Error::NotFound`] when it has no outputs `labels` and
/// `probabilities`, [`Error::Input`] when their shapes or types do not fit.
pub fn read_top(body: &[u8]) -> Result<Vec<(String, f32)>> {
    let outputs = super::response::read(body, false)?;
    let output = |name: &str| {
        let found = outputs.iter().find(|(known, _)| known == name);
        found.map(|(_, tensor)| tensor).ok_or_else(|| Error::NotFound {
            object: format!("output {name:?}"),
            help: "use the signature that returns labels and probabilities".to_owned(),
        })
    };
    let rows = of_labels(output("labels")?, output("probabilities")?)?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

pub(super) fn of_labels(
    labels: &Tensor,
    probabilities: &Tensor,
) -> Result<Vec<Vec<(String, f32)>>> {
    let Some((rows, columns)) = matrix(probabilities) else {
        return Err(unfit("probabilities", probabilities, "one row of floats for each input"));
    };
    let (true, Some(texts)) = (labels.shape() == probabilities.shape(), labels.to_texts()) else {
        return Err(unfit(
            "labels",
            labels,
            &format!("DT_STRING of the shape of probabilities, {:?}", probabilities.shape()),
        ));
    };
    let values = floats("probabilities", probabilities)?;
    Ok((0..rows)
        .map(|row| {
            let span = row * columns..(row + 1) * columns;
            let (texts, values) = (&texts[span.clone()], &values[span]);
            falling(values)
                .into_iter()
                .map(|index| (texts[index].clone().into_owned(), values[index]))
                .collect()
        })
        .collect())
}

pub(super) fn of_logits<N: AsRef<str>>(
    logits: &Tensor,
    names: &[N],
    count: usize,
) -> Result<Vec<Vec<(String, f32)>>> {
    let Some((rows, columns)) = matrix(logits).filter(|(_, columns)| *columns == names.len())
    else {
        let expected = format!("[rows, {}], one column for each class name", names.len());
        return Err(unfit("logits", logits, &expected));
    };
    let values = floats("logits", logits)?;
    Ok((0..rows)
        .map(|row| {
            let row = &values[row * columns..(row + 1) * columns];
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
            falling(row)
                .into_iter()
                .take(count)
                .map(|index| {
                    let share = f64::from(row[index] - largest).exp() / sum;
                    #[allow(clippy::cast_possible_truncation)]
                    (names[index].as_ref().to_owned(), share as f32)
                })
                .collect()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_by_falling_probability() {
        let labels = vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec(), b"\xff".to_vec()];
        let labels = Tensor::new(vec![2, 2], TensorData::String(labels)).unwrap();
        let shares = TensorData::Float(vec![0.2, 0.8, 0.9, 0.1]);
        let shares = Tensor::new(vec![2, 2], shares).unwrap();
        let rows = of_labels(&labels, &shares).unwrap();
        assert_eq!(rows[0], [("b".to_owned(), 0.8), ("a".to_owned(), 0.2)]);
        assert_eq!(rows[1], [("c".to_owned(), 0.9), ("\u{fffd}".to_owned(), 0.1)]);
        let fewer = Tensor::new(vec![1, 1], TensorData::Float(vec![1.0])).unwrap();
        assert!(of_labels(&labels, &fewer).unwrap_err().to_string().contains("[1, 1]"));
    }

    #[test]
    fn logits_become_a_softmax() {
        let logits =
            Tensor::new(vec![1, 3], TensorData::Float(vec![0.0, 3_f32.ln(), -1e30])).unwrap();
        let rows = of_logits(&logits, &["x", "y", "z"], 2).unwrap();
        assert_eq!(rows[0][0].0, "y");
        assert!((rows[0][0].1 - 0.75).abs() < 1e-6);
        assert!((rows[0][1].1 - 0.25).abs() < 1e-6);
        assert_eq!(rows[0].len(), 2);
        assert!(of_logits(&logits, &["x"], 1).is_err());
    }
}
