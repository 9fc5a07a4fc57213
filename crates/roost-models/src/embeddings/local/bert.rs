use ndarray::{Array1, Array2, ArrayView1, Axis, Slice};
use safetensors::{Dtype, SafeTensors};

use super::Shape;

/// The weights of a model, and how a text's tokens go through them.
///
/// **Source:** "BERT: Pre-training of Deep Bidirectional Transformers" and, for the mean over the tokens,
/// "Sentence-BERT".
pub(super) struct Bert {
    shape: Shape,
    words: Array2<f32>,
    positions: Array2<f32>,
    kind: Array1<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    attended: Dense,
    attended_norm: Norm,
    wide: Dense,
    narrow: Dense,
    norm: Norm,
}

/// A matrix that is multiplied with, transposed once, and what is added then.
struct Dense {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

/// Finds tensors by their names.
struct Weights<'a> {
    tensors: SafeTensors<'a>,
    prefix: &'static str,
    epsilon: f32,
}

impl Bert {
    /// Reads the weights.
    pub(super) fn read(bytes: &[u8], shape: Shape, vocabulary: usize) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| format!("model.safetensors cannot be read: {error}"))?;
        let prefixed = tensors.names().iter().any(|name| name.starts_with("bert."));
        let weights =
            Weights { tensors, prefix: if prefixed { "bert." } else { "" }, epsilon: shape.layer_norm_eps };
        let hidden = shape.hidden_size;
        let words = weights.matrix("embeddings.word_embeddings.weight")?;
        let positions = weights.matrix("embeddings.position_embeddings.weight")?;
        let kinds = weights.matrix("embeddings.token_type_embeddings.weight")?;
        let fits = words.nrows() >= vocabulary
            && words.ncols() == hidden
            && positions.dim() == (shape.max_position_embeddings, hidden)
            && kinds.nrows() > 0
            && kinds.ncols() == hidden;
        if !fits {
            return Err("its weights are not those that config.json and vocab.txt speak of".to_owned());
        }
        let layers = (0..shape.num_hidden_layers).map(|number| Layer::read(&weights, number, hidden));
        Ok(Self {
            norm: weights.norm("embeddings.LayerNorm", hidden)?,
            layers: layers.collect::<Result<_, _>>()?,
            kind: kinds.row(0).to_owned(),
            shape,
            words,
            positions,
        })
    }

    /// Returns the mean of what the model makes of a text's tokens.
    pub(super) fn mean(&self, tokens: &[u32]) -> Vec<f32> {
        let mut states = Array2::zeros((tokens.len(), self.shape.hidden_size));
        for (place, (token, mut state)) in tokens.iter().zip(states.rows_mut()).enumerate() {
            let token = usize::try_from(*token).unwrap_or(0);
            state += &self.words.row(token);
            state += &self.positions.row(place);
            state += &self.kind;
        }
        self.norm.apply(&mut states);
        for layer in &self.layers {
            states = layer.apply(&states, self.shape.num_attention_heads);
        }
        states.mean_axis(Axis(0)).map_or_else(Vec::new, |mean| mean.to_vec())
    }
}

impl Layer {
    fn read(weights: &Weights<'_>, number: usize, hidden: usize) -> Result<Self, String> {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let wide = weights.dense(&name("intermediate.dense"), hidden, None)?;
        let middle = wide.bias.len();
        Ok(Self {
            query: weights.dense(&name("attention.self.query"), hidden, Some(hidden))?,
            key: weights.dense(&name("attention.self.key"), hidden, Some(hidden))?,
            value: weights.dense(&name("attention.self.value"), hidden, Some(hidden))?,
            attended: weights.dense(&name("attention.output.dense"), hidden, Some(hidden))?,
            attended_norm: weights.norm(&name("attention.output.LayerNorm"), hidden)?,
            narrow: weights.dense(&name("output.dense"), middle, Some(hidden))?,
            norm: weights.norm(&name("output.LayerNorm"), hidden)?,
            wide,
        })
    }

    fn apply(&self, states: &Array2<f32>, heads: usize) -> Array2<f32> {
        let (query, key, value) =
            (self.query.apply(states), self.key.apply(states), self.value.apply(states));
        let width = query.ncols() / heads;
        #[expect(clippy::cast_precision_loss, reason = "the width of a head is a few dozens")]
        let scale = 1.0 / (width as f32).sqrt();
        let mut mixed = Array2::zeros(states.raw_dim());
        for head in 0..heads {
            let part = Slice::from(head * width..(head + 1) * width);
            let of = |states: &Array2<f32>| states.slice_axis(Axis(1), part).to_owned();
            let mut scores = of(&query).dot(&of(&key).t());
            for mut row in scores.rows_mut() {
                softmax(row.as_slice_mut().unwrap_or_default(), scale);
            }
            mixed.slice_axis_mut(Axis(1), part).assign(&scores.dot(&of(&value)));
        }
        let mut attended = self.attended.apply(&mixed);
        attended += states;
        self.attended_norm.apply(&mut attended);
        let mut wide = self.wide.apply(&attended);
        wide.mapv_inplace(gelu);
        let mut out = self.narrow.apply(&wide);
        out += &attended;
        self.norm.apply(&mut out);
        out
    }
}

impl Dense {
    fn apply(&self, states: &Array2<f32>) -> Array2<f32> {
        let mut out = states.dot(&self.weight);
        out += &self.bias;
        out
    }
}

impl Norm {
    fn apply(&self, states: &mut Array2<f32>) {
        for mut row in states.rows_mut() {
            let (mean, deviation) = spread(&row.view(), self.epsilon);
            for ((number, weight), bias) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
                *number = (*number - mean) / deviation * weight + bias;
            }
        }
    }
}

fn spread(row: &ArrayView1<'_, f32>, epsilon: f32) -> (f32, f32) {
    #[expect(clippy::cast_precision_loss, reason = "a row has a few hundred numbers")]
    let count = row.len().max(1) as f32;
    let mean = row.sum() / count;
    let variance = row.iter().map(|number| (number - mean).powi(2)).sum::<f32>() / count;
    (mean, (variance + epsilon).sqrt())
}

fn softmax(scores: &mut [f32], scale: f32) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = ((*score - largest) * scale).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function, right to seven digits.
///
/// **Source:** Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let series =
        t * (0.254_829_6 + t * (-0.284_496_72 + t * (1.421_413_8 + t * (-1.453_152_1 + t * 1.061_405_4))));
    let positive = 1.0 - series * (-x * x).exp();
    if x < 0.0 { -positive } else { positive }
}

impl Weights<'_> {
    fn numbers(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
        let name = format!("{}{name}", self.prefix);
        let tensor = self.tensors.tensor(&name).map_err(|error| format!("{name}: {error}"))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} is not of 32-bit floats"));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        Ok((tensor.shape().to_vec(), numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }

    fn matrix(&self, name: &str) -> Result<Array2<f32>, String> {
        let (shape, numbers) = self.numbers(name)?;
        let [rows, columns] = shape[..] else { return Err(format!("{name} is no matrix")) };
        Array2::from_shape_vec((rows, columns), numbers).map_err(|error| format!("{name}: {error}"))
    }

    fn vector(&self, name: &str, length: usize) -> Result<Array1<f32>, String> {
        let (_, numbers) = self.numbers(name)?;
        if numbers.len() == length {
            Ok(Array1::from(numbers))
        } else {
            Err(format!("{name} has another length"))
        }
    }

    fn dense(&self, name: &str, from: usize, to: Option<usize>) -> Result<Dense, String> {
        let weight = self.matrix(&format!("{name}.weight"))?;
        if weight.ncols() != from || to.is_some_and(|to| weight.nrows() != to) {
            return Err(format!("{name} has another size"));
        }
        let bias = self.vector(&format!("{name}.bias"), weight.nrows())?;
        Ok(Dense { weight: weight.reversed_axes(), bias })
    }

    fn norm(&self, name: &str, length: usize) -> Result<Norm, String> {
        Ok(Norm {
            weight: self.vector(&format!("{name}.weight"), length)?,
            bias: self.vector(&format!("{name}.bias"), length)?,
            epsilon: self.epsilon,
        })
    }
}
