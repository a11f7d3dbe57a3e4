//! The stack machine of Python's pickle format, with an allow-list of four names.
//!
//! Values are small and lie in flat tables, so that a hostile nesting costs neither recursion nor more memory than
//! the input has bytes, times a constant. Opcodes: `pickletools` in Python's standard library.

use std::collections::HashMap;

/// A value on the stack; what is large lies in the [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    None,
    Bool,
    Int(i64),
    Long(usize),
    Text(usize),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Storage(usize),
    Tensor(usize),
    Name(Name),
}

/// The names that a checkpoint may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    OrderedDict,
    FloatStorage,
    LongStorage,
    RebuildTensor,
}

/// A run of elements in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage {
    pub(crate) float: bool,
    pub(crate) key: usize,
    pub(crate) count: usize,
}

/// A view of a storage.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) storage: usize,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) stride: Vec<usize>,
}

/// What the values refer to.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    longs: Vec<Vec<u8>>,
    texts: Vec<String>,
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    storages: Vec<Storage>,
    tensors: Vec<Tensor>,
}

impl Heap {
    pub(crate) fn long(&self, id: usize) -> &[u8] {
        &self.longs[id]
    }
    pub(crate) fn text(&self, id: usize) -> &str {
        &self.texts[id]
    }
    pub(crate) fn list(&self, id: usize) -> &[Value] {
        &self.sequences[id]
    }
    pub(crate) fn dict(&self, id: usize) -> &[(Value, Value)] {
        &self.dicts[id]
    }
    pub(crate) fn storage(&self, id: usize) -> &Storage {
        &self.storages[id]
    }
    pub(crate) fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.storages.iter()
    }
    pub(crate) fn tensor(&self, id: usize) -> &Tensor {
        &self.tensors[id]
    }
}

fn add<T>(table: &mut Vec<T>, item: T) -> usize {
    table.push(item);
    table.len() - 1
}

/// Reads one pickle from the front of `bytes` and moves on behind it.
pub(crate) fn unpickle(bytes: &mut &[u8], heap: &mut Heap) -> Result<Value, String> {
    let mut machine =
        Machine { bytes, heap, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        if let Some(value) = machine.step()? {
            return Ok(value);
        }
    }
}

struct Machine<'a, 'b> {
    bytes: &'a mut &'b [u8],
    heap: &'a mut Heap,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

impl<'b> Machine<'_, 'b> {
    /// Does one opcode; gives the result at the end of the pickle.
    fn step(&mut self) -> Result<Option<Value>, String> {
        let [code] = self.take_array::<1>()?;
        match code {
            b'.' => return self.pop().map(Some),
            0x80 => match self.take_array::<1>()? {
                [2] => {}
                [version] => return Err(format!("pickle protocol {version}, expected 2")),
            },
            b'(' => self.marks.push(self.stack.len()),
            b'q' | b'r' => {
                let place = self.place(code == b'r')?;
                let top = *self.stack.last().ok_or("the stack is empty")?;
                self.memo.insert(place, top);
            }
            b'h' | b'j' => {
                let place = self.place(code == b'j')?;
                let value = self.memo.get(&place).ok_or("a memo entry is missing")?;
                self.stack.push(*value);
            }
            b'a' | b'e' => {
                let items = self.items(code == b'e', 1)?;
                match self.stack.last() {
                    Some(Value::List(list)) => self.heap.sequences[*list].extend(items),
                    _ => return Err("an item for no list".to_owned()),
                }
            }
            b's' | b'u' => {
                let items = self.items(code == b'u', 2)?;
                let Some(Value::Dict(dict)) = self.stack.last() else {
                    return Err("an entry for no dictionary".to_owned());
                };
                let pairs = items.chunks_exact(2).map(|pair| (pair[0], pair[1]));
                self.heap.dicts[*dict].extend(pairs);
            }
            // The state of an OrderedDict holds the versions of the modules, which nothing here needs.
            b'b' => {
                self.pop()?;
                if !matches!(self.stack.last(), Some(Value::Dict(_))) {
                    return Err("state for something that has none".to_owned());
                }
            }
            _ => {
                let value = self.value(code)?;
                self.stack.push(value);
            }
        }
        Ok(None)
    }

    /// The value that an opcode leaves on the stack.
    fn value(&mut self, code: u8) -> Result<Value, String> {
        Ok(match code {
            b'N' => Value::None,
            0x88 | 0x89 => Value::Bool,
            b'K' => Value::Int(self.take_array::<1>()?[0].into()),
            b'M' => Value::Int(u16::from_le_bytes(self.take_array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.take_array()?).into()),
            0x8a => {
                let length = self.take_array::<1>()?[0];
                let bytes = self.take(length.into())?.to_vec();
                Value::Long(add(&mut self.heap.longs, bytes))
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take_array()?);
                let bytes = self.take(length as usize)?;
                let text = std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")?;
                Value::Text(add(&mut self.heap.texts, text.to_owned()))
            }
            b'c' => Value::Name(self.global()?),
            b')' => self.tuple(Vec::new()),
            b't' => {
                let items = self.items(true, 1)?;
                self.tuple(items)
            }
            0x85..=0x87 => {
                let at = self.split(usize::from(code - 0x84))?;
                let items = self.stack.split_off(at);
                self.tuple(items)
            }
            b']' => Value::List(add(&mut self.heap.sequences, Vec::new())),
            b'}' => Value::Dict(add(&mut self.heap.dicts, Vec::new())),
            b'Q' => self.storage()?,
            b'R' => self.reduce()?,
            _ => return Err(format!("the opcode {code:#04x} is not allowed")),
        })
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], String> {
        let (head, tail) = self.bytes.split_at_checked(length).ok_or("the file is cut off")?;
        *self.bytes = tail;
        Ok(head)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or("the file is cut off")?;
        *self.bytes = tail;
        Ok(*head)
    }

    fn line(&mut self) -> Result<&'b str, String> {
        let bytes: &'b [u8] = self.bytes;
        let length = bytes.iter().take(128).position(|&byte| byte == b'\n').ok_or("a bad name")?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| "a name is not UTF-8".to_owned())
    }

    fn place(&mut self, long: bool) -> Result<u32, String> {
        Ok(if long {
            u32::from_le_bytes(self.take_array()?)
        } else {
            self.take_array::<1>()?[0].into()
        })
    }

    fn pop(&mut self) -> Result<Value, String> {
        let at = self.split(1)?;
        Ok(self.stack.split_off(at)[0])
    }

    /// Where the topmost `count` values begin; they may not reach below the last mark.
    fn split(&self, count: usize) -> Result<usize, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let at = self.stack.len().checked_sub(count).filter(|&at| at >= floor);
        at.ok_or_else(|| "the stack is empty".to_owned())
    }

    /// The values above the last mark, or the topmost `count`; a multiple of `count` in either case.
    fn items(&mut self, marked: bool, count: usize) -> Result<Vec<Value>, String> {
        let at =
            if marked { self.marks.pop().ok_or("a mark is missing")? } else { self.split(count)? };
        if at > self.stack.len() || !(self.stack.len() - at).is_multiple_of(count) {
            return Err("an entry without its value".to_owned());
        }
        Ok(self.stack.split_off(at))
    }

    fn tuple(&mut self, items: Vec<Value>) -> Value {
        Value::Tuple(add(&mut self.heap.sequences, items))
    }

    fn global(&mut self) -> Result<Name, String> {
        let (module, name) = (self.line()?, self.line()?);
        match (module, name) {
            ("collections", "OrderedDict") => Ok(Name::OrderedDict),
            ("torch", "FloatStorage") => Ok(Name::FloatStorage),
            ("torch", "LongStorage") => Ok(Name::LongStorage),
            ("torch._utils", "_rebuild_tensor_v2") => Ok(Name::RebuildTensor),
            _ => Err(format!("it asks for {module}.{name}, which weights have no use for")),
        }
    }

    /// `('storage', type, key, device, count, view)`.
    fn storage(&mut self) -> Result<Value, String> {
        let Value::Tuple(id) = self.pop()? else { return Err("a bad storage".to_owned()) };
        let (float, key, count) = match self.heap.sequences[id][..] {
            [
                Value::Text(tag),
                Value::Name(kind),
                Value::Text(key),
                _,
                Value::Int(count),
                Value::None,
            ] if self.heap.texts[tag] == "storage"
                && matches!(kind, Name::FloatStorage | Name::LongStorage) =>
            {
                (kind == Name::FloatStorage, key, count)
            }
            _ => return Err("a bad storage".to_owned()),
        };
        let count = usize::try_from(count).map_err(|_| "a storage of negative size")?;
        Ok(Value::Storage(add(&mut self.heap.storages, Storage { float, key, count })))
    }

    fn reduce(&mut self) -> Result<Value, String> {
        let arguments = self.pop()?;
        let (Value::Name(name), Value::Tuple(id)) = (self.pop()?, arguments) else {
            return Err("a call of something that is no function".to_owned());
        };
        match (name, &self.heap.sequences[id][..]) {
            (Name::OrderedDict, []) => Ok(Value::Dict(add(&mut self.heap.dicts, Vec::new()))),
            (
                Name::RebuildTensor,
                &[
                    Value::Storage(storage),
                    Value::Int(offset),
                    Value::Tuple(shape),
                    Value::Tuple(stride),
                    Value::Bool,
                    Value::Dict(_),
                ],
            ) => {
                let (shape, stride) = (self.sizes(shape)?, self.sizes(stride)?);
                if shape.len() != stride.len() {
                    return Err("a tensor with more strides than dimensions".to_owned());
                }
                let offset = usize::try_from(offset).map_err(|_| "a negative offset")?;
                let tensor = Tensor { storage, offset, shape, stride };
                Ok(Value::Tensor(add(&mut self.heap.tensors, tensor)))
            }
            _ => Err("a call with arguments that do not fit".to_owned()),
        }
    }

    fn sizes(&self, id: usize) -> Result<Vec<usize>, String> {
        let items = &self.heap.sequences[id];
        if items.len() > 8 {
            return Err("a tensor with more than 8 dimensions".to_owned());
        }
        let size = |item: &Value| match item {
            Value::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        items.iter().map(size).collect::<Option<_>>().ok_or_else(|| "a bad size".to_owned())
    }
}
