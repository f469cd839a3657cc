// Package spreadsheet reads and writes tables: CSV as people's programs write it,
// and XLSX. It knows nothing of what the tables are about.
//
// # Words
//
//   - A row has the number under which Excel shows it, from 1; empty rows count.
//   - A cell is a text, a number or a day. Only XLSX tells them apart when read; a
//     CSV has texts, which [ParseNumber] and [ParseDay] understand.
//
// # Reading
//
// [Open] looks at a file and says what it is: an XLSX, or a CSV in UTF-8, UTF-16 or
// Windows-1252, with one of the usual delimiters. [File.Rows] then gives its rows one
// by one. Nothing is held in memory but the row at hand and, of an XLSX, the places
// of its shared texts, which themselves lie in a temporary file when they are many.
// What is wrong with a file is an [*Error], which says where.
//
// # Writing
//
// [NewCSV] and [NewXLSX] write rows as they come. [Harmless] and [Restored] are the
// two directions of what keeps a text from being a formula.
package spreadsheet
