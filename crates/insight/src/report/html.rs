//! Text into HTML. Names, scenarios and messages are outside input: nothing gets onto the page unescaped.

use core::fmt::{self, Display};

/// A text as HTML, in an element or in a quoted attribute.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // A parser of HTML would replace them, or end the file.
                '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' => f.write_str("\u{fffd}")?,
                letter => write!(f, "{letter}")?,
            }
        }
        Ok(())
    }
}

/// JSON that may stand in a `script` element: no text in it can end the element or begin a comment.
#[must_use]
pub fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            letter => out.push(letter),
        }
    }
    out
}

/// A table under way: a header, then rows of cells.
pub struct Table {
    html: String,
}

impl Table {
    /// A table with a caption for those who cannot see it, and its columns. Numbers are aligned to the right.
    #[must_use]
    pub fn new(caption: &str, columns: &[(&str, bool)]) -> Self {
        let mut html = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table><caption>{0}</caption><thead><tr>",
            Escaped(caption)
        );
        for (name, number) in columns {
            let class = if *number { " class=\"num\"" } else { "" };
            html += &format!("<th scope=\"col\"{class}>{}</th>", Escaped(name));
        }
        html += "</tr></thead><tbody>\n";
        Self { html }
    }

    /// A row of ready cells.
    pub fn row(&mut self, cells: &[String]) {
        self.html += "<tr>";
        cells.iter().for_each(|cell| self.html += cell);
        self.html += "</tr>\n";
    }

    /// The table.
    #[must_use]
    pub fn finish(self) -> String {
        self.html + "</tbody></table></div>\n"
    }
}

/// A cell of text.
#[must_use]
pub fn cell(text: &str) -> String {
    format!("<td>{}</td>", Escaped(text))
}

/// The cell that a row is about.
#[must_use]
pub fn head(text: &str) -> String {
    format!("<th scope=\"row\">{}</th>", Escaped(text))
}

/// A cell of a number.
#[must_use]
pub fn number(text: &str) -> String {
    format!("<td class=\"num\">{}</td>", Escaped(text))
}

/// A cell with a field of a summary.
#[must_use]
pub fn field(run: usize, path: &str, text: &str) -> String {
    format!("<td class=\"num\" data-run=\"{run}\" data-field=\"{}\">{}</td>", Escaped(path), Escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        let text = "</script><!-- \"a\" & 'b'\u{0}\u{1b}";
        assert_eq!(Escaped(text).to_string(), "&lt;/script&gt;&lt;!-- &quot;a&quot; &amp; &#39;b&#39;\u{fffd}\u{fffd}");
        let json = serde_json::to_string(text).unwrap();
        let inert = inert(&json);
        assert!(!inert.contains(['<', '>', '&']));
        assert_eq!(serde_json::from_str::<String>(&inert).unwrap(), text);
    }
}
