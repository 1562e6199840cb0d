//! The table of types in `docs/journal.md` is that of the types themselves: each is asked what it is made of.

use crate::arbitrary::Draw;
use downdraft_journal::{Footer, Record, codec};
use downdraft_venue::Capacity;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::de::{EnumAccess, IntoDeserializer, VariantAccess};
use std::collections::BTreeMap;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/journal.md");

/// What types are made of, by name.
#[derive(Default)]
struct Shapes {
    /// A structure's fields, or an enum's variants so far.
    known: BTreeMap<&'static str, Vec<Option<String>>>,
    /// The shape being put together.
    text: String,
    /// Which variant to take, by turns, so that all are seen.
    turns: BTreeMap<&'static str, u32>,
}

macro_rules! plain {
    ($($method:ident $visit:ident $name:literal $value:expr),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.text += $name;
            visitor.$visit($value)
        })*
    };
}

impl Shapes {
    /// Notes the shape of a named type while `visit` reads it, and mentions it by name in the present one.
    fn named<T>(
        &mut self,
        name: &'static str,
        (variant, of): (usize, usize),
        visit: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outer = std::mem::take(&mut self.text);
        let value = visit(self)?;
        let shape = std::mem::replace(&mut self.text, outer);
        self.text += name;
        self.known.entry(name).or_insert_with(|| vec![None; of])[variant] = Some(shape);
        Ok(value)
    }

    fn of<T: DeserializeOwned>(&mut self) {
        // As many turns as bring every variant of an enum inside an enum inside an enum round.
        (0..40_000).for_each(|_| drop(T::deserialize(&mut *self).expect("a type of the vocabulary")));
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for (name, variants) in &self.known {
            match &variants[..] {
                [Some(shape)] if !shape.starts_with('\u{1}') => table += &format!("{name} = {shape}\n"),
                _ => {
                    table += &format!("{name} =\n");
                    for (number, shape) in variants.iter().enumerate() {
                        let shape = shape.as_deref().expect("every variant has its turn");
                        table += &format!("    {number} {}\n", shape.trim_start_matches('\u{1}'));
                    }
                }
            }
        }
        table
    }
}

/// The fields of a structure, a tuple or a sequence.
struct Fields<'a> {
    shapes: &'a mut Shapes,
    names: &'static [&'static str],
    place: usize,
    count: usize,
}

fn fields<'de, V: Visitor<'de>>(
    shapes: &mut Shapes,
    names: &'static [&'static str],
    count: usize,
    visitor: V,
) -> Result<V::Value, Error> {
    visitor.visit_seq(Fields { shapes, names, place: 0, count })
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.place == self.count {
            return Ok(None);
        }
        if self.place > 0 {
            self.shapes.text += ", ";
        }
        if let Some(name) = self.names.get(self.place) {
            self.shapes.text += &format!("{name} ");
        }
        self.place += 1;
        seed.deserialize(&mut *self.shapes).map(Some)
    }
}

impl<'de> Deserializer<'de> for &mut Shapes {
    type Error = Error;

    plain!(
        deserialize_bool visit_bool "bool" false, deserialize_u8 visit_u8 "u8" 0, deserialize_u16 visit_u16 "u16" 0,
        deserialize_u32 visit_u32 "u32" 0, deserialize_u64 visit_u64 "u64" 0, deserialize_i32 visit_i32 "i32" 0,
        deserialize_i64 visit_i64 "i64" 0, deserialize_i128 visit_i128 "i128" 0
    );

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_some(&mut *self)?;
        self.text += "?";
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.named(name, (0, 1), |shapes| visitor.visit_newtype_struct(shapes))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text += "[";
        let value = fields(self, &[], 1, visitor)?;
        self.text += "]";
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.text += "(";
        let value = fields(self, &[], count, visitor)?;
        self.text += ")";
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.named(name, (0, 1), |shapes| fields(shapes, names, names.len(), visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let turn = self.turns.entry(name).or_default();
        let index = *turn as usize % variants.len();
        *turn += 1;
        self.named(name, (index, variants.len()), |shapes| {
            shapes.text = format!("\u{1}{}", variants[index]);
            visitor.visit_enum(Variant { shapes, index: index as u32 })
        })
    }

    serde::forward_to_deserialize_any! {
        i8 i16 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple_struct map identifier ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        panic!("a shape that the document has no word for")
    }
}

struct Variant<'a> {
    shapes: &'a mut Shapes,
    index: u32,
}

impl Variant<'_> {
    fn fields<T>(self, read: impl FnOnce(&mut Shapes) -> Result<T, Error>) -> Result<T, Error> {
        self.shapes.text += "(";
        let value = read(&mut *self.shapes)?;
        self.shapes.text += ")";
        Ok(value)
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(IntoDeserializer::<Error>::into_deserializer(self.index))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.fields(|shapes| seed.deserialize(shapes))
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.fields(|shapes| fields(shapes, &[], count, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.fields(|shapes| fields(shapes, names, names.len(), visitor))
    }
}

/// `UPDATE_GOLDEN=1` writes the table anew. A variant appended to an enum leaves old journals as they are; any
/// other change is a new format version.
#[test]
fn the_document_lists_the_types_as_they_are() {
    let mut shapes = Shapes::default();
    shapes.of::<Record>();
    shapes.of::<Footer>();
    shapes.of::<Capacity>();
    let table = shapes.table();
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once("```layout\n").unwrap();
    let (shown, after) = rest.split_once("```").unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(DOCUMENT, format!("{before}```layout\n{table}```{after}")).unwrap();
        return;
    }
    assert_eq!(shown, table, "the types changed: see the remark above this test");
}

/// The widths in the document, read by hand: a reader with nothing but the page.
#[test]
fn a_record_has_the_length_the_document_gives() {
    let mut draw = Draw::new(9);
    for _ in 0..1_000 {
        let stamp: downdraft_journal::Stamp = draw.value();
        let origin = if matches!(stamp.origin, downdraft_journal::Origin::Actor(_)) { 8 } else { 4 };
        let cause = if stamp.cause.is_some() { 1 + 8 + 4 } else { 1 };
        assert_eq!(codec::encode(&stamp).len(), 2 + 8 + 8 + origin + cause);
    }
}
