#include "trace/test_dirty_files.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "trace/read.h"

namespace amanat::trace::dirty {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using Cell = std::function<std::string(Maker&, const Person&)>;

void know(File& file, const Person& p) {
  ++file.truth[{Kind::national_id, p.id}];
  ++file.truth[{Kind::msisdn, p.phone}];
}

// Words of a text, roughly: what could be taken for an identifier and must not be.
std::uint64_t tokens_of(const std::string& bytes) {
  std::uint64_t n = 0;
  bool in = false;
  for (const char c : bytes) {
    const bool token = c < 0 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    n += token && !in ? 1 : 0;
    in = token;
  }
  return n;
}

std::string delimited(const Rows& rows, const std::string& by, const std::string& end,
                      bool quoted) {
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += i == 0 ? "" : by;
      out += quoted ? "\"" + row[i] + "\"" : row[i];
    }
    out += end;
  }
  return out;
}

/// Making collects the corpus.
class Making {
 public:
  Making(std::uint64_t seed, std::size_t rows) : make_(seed), rows_(rows) {}

  std::vector<File> all() {
    separators();
    layouts();
    encodings();
    json();
    sql();
    sheets();
    pages();
    chat();
    archives();
    return std::move(files_);
  }

 private:
  std::vector<Person> people(File& file) {
    auto some = make_.people(rows_);
    for (const auto& p : some) know(file, p);
    return some;
  }
  Rows table(File& file, const Cell& id, const Cell& phone, bool heading = true) {
    Rows rows;
    if (heading) rows.push_back({"Sr", "CNIC", "Mobile No", "Name", "Address", "DOB"});
    std::size_t n = 0;
    for (const auto& p : people(file))
      rows.push_back(
          {std::to_string(++n), id(make_, p), phone(make_, p), p.name, p.address, p.date});
    return rows;
  }
  static std::string plain_id(Maker&, const Person& p) { return Maker::joined_id(p.id, "-"); }
  static std::string plain_phone(Maker&, const Person& p) {
    return "0" + p.phone.substr(2, 3) + "-" + p.phone.substr(5);
  }
  static std::string any_id(Maker& m, const Person& p) { return m.any_id(p.id); }
  static std::string any_phone(Maker& m, const Person& p) { return m.any_phone(p.phone); }

  File& add(File file, std::string bytes) {
    file.bytes = std::move(bytes);
    if (file.tokens == 0) file.tokens = tokens_of(file.bytes);
    files_.push_back(std::move(file));
    return files_.back();
  }
  void csv(const std::string& name, const Cell& id, const Cell& phone) {
    File f{name + ".csv", {}, {}, 0, 0, false};
    const Rows rows = table(f, id, phone);
    add(std::move(f), delimited(rows, ",", "\n", false));
  }

  void separators() {
    for (const auto& [name, by] :
         std::vector<std::pair<std::string, std::string>>{{"comma.csv", ","},
                                                          {"semicolon.csv", ";"},
                                                          {"tab.tsv", "\t"},
                                                          {"pipe.txt", "|"},
                                                          {"caret.txt", "^"}}) {
      File f{name, {}, {}, 0, 0, false};
      const Rows rows = table(f, plain_id, plain_phone);
      add(std::move(f), delimited(rows, by, "\n", false));
    }
    File quoted{"quoted.csv", {}, {}, 0, 0, false};
    Rows rows = table(quoted, plain_id, plain_phone);
    add(std::move(quoted), delimited(rows, ",", "\r\n", true));

    File broken{"line-breaks-in-cells.csv", {}, {}, 0, 0, false};
    rows = table(broken, plain_id, plain_phone);
    for (auto& row : rows) row[4] += "\nNear \"\"Old\"\" Chowk, Gali 3";
    add(std::move(broken), delimited(rows, ",", "\n", true));

    File bare{"no-heading.csv", {}, {}, 0, 0, false};
    rows = table(bare, plain_id, plain_phone, false);
    std::string text = delimited(rows, ",", "\n", false);
    text.pop_back();  // and no last line end
    add(std::move(bare), text);

    File stray{"stray-quotes.csv", {}, {}, 0, 0, false};
    rows = table(stray, plain_id, plain_phone);
    for (std::size_t i = 1; i < rows.size(); i += 3) rows[i][4] += " 5\" pipe";
    for (std::size_t i = 2; i < rows.size(); i += 7) rows[i][3].insert(0, "\"");
    add(std::move(stray), delimited(rows, ",", "\n", false));

    File merged{"two-dumps-in-one.csv", {}, {}, 0, 0, false};
    rows = table(merged, plain_id, plain_phone);
    text = delimited(rows, ",", "\n", false);
    rows = table(merged, any_id, any_phone);
    for (auto& row : rows) std::rotate(row.begin(), row.begin() + 2, row.end());
    add(std::move(merged), text + delimited(rows, ",", "\n", false));
  }

  void layouts() {
    csv("any-layout", any_id, any_phone);
    csv(
        "plain-runs", [](Maker&, const Person& p) { return p.id; },
        [](Maker&, const Person& p) { return "0" + p.phone.substr(2); });
    csv(
        "spaced", [](Maker&, const Person& p) { return Maker::joined_id(p.id, " "); },
        [](Maker&, const Person& p) {
          return "0" + p.phone.substr(2, 3) + " " + p.phone.substr(5, 3) + " " + p.phone.substr(8);
        });
    csv(
        "zero-dropped", [](Maker&, const Person& p) { return p.id; },
        [](Maker&, const Person& p) { return p.phone.substr(2); });
    csv(
        "apostrophes", [](Maker&, const Person& p) { return "'" + p.id; },
        [](Maker&, const Person& p) { return "'0" + p.phone.substr(2); });
    csv(
        "formulas", [](Maker&, const Person& p) { return "=\"" + p.id + "\""; },
        [](Maker&, const Person& p) { return "=\"0" + p.phone.substr(2) + "\""; });
    csv(
        "floats", [](Maker&, const Person& p) { return p.id + ".0"; },
        [](Maker&, const Person& p) { return p.phone.substr(2) + ".0"; });
    for (const auto& [name, dash] :
         std::vector<std::pair<std::string, std::string>>{{"en-dash", "–"},
                                                          {"em-dash", "—"},
                                                          {"no-break-dash", "‑"},
                                                          {"minus-sign", "−"},
                                                          {"dotted", "."},
                                                          {"slashed", "/"}})
      csv(
          name, [dash](Maker&, const Person& p) { return Maker::joined_id(p.id, dash); },
          plain_phone);
    for (const auto& [name, script] : std::vector<std::pair<std::string, int>>{
             {"urdu-digits", 0}, {"arabic-digits", 1}, {"mixed-digits", 2}, {"full-width", 3}})
      csv(
          name,
          [script](Maker& m, const Person& p) {
            return m.in_script(Maker::joined_id(p.id, "-"), script);
          },
          [script](Maker& m, const Person& p) {
            return m.in_script("0" + p.phone.substr(2), script);
          });
    csv(
        "invisible",
        [](Maker&, const Person& p) {
          return "\u202B" + p.id.substr(0, 4) + "\u200B" + p.id.substr(4) + "\u202C";
        },
        [](Maker&, const Person& p) {
          return "\uFEFF0" + p.phone.substr(2, 5) + "\u00AD" + p.phone.substr(7);
        });
    csv(
        "isolates-and-tatweel",
        [](Maker&, const Person& p) {
          return "\u2067" + p.id.substr(0, 5) + "\u200E-\u200F" + p.id.substr(5, 7) + "-\u2066" +
                 p.id.substr(12) + "\u2069\u2069";
        },
        [](Maker&, const Person& p) {
          return "\u20680" + p.phone.substr(2, 3) + "\u0640" + p.phone.substr(5, 3) + "\u200D" +
                 p.phone.substr(8) + "\u2069";
        });
    csv(
        "no-break-spaces", [](Maker&, const Person& p) { return Maker::joined_id(p.id, "\u00A0"); },
        [](Maker&, const Person& p) {
          return "+92\u202F" + p.phone.substr(2, 3) + "\u00A0" + p.phone.substr(5);
        });

    File rounded{"rounded-by-a-spreadsheet.csv", {}, {}, 0, 0, false};
    Rows rows = {{"CNIC", "Phone", "Name"}};
    for (const auto& p : make_.people(rows_)) {
      rows.push_back({p.id.substr(0, 1) + "." + p.id.substr(1, 5) + "E+12",
                      "3." + p.phone.substr(3, 2) + "E+09", p.name});
      rounded.partial += 2;
    }
    add(std::move(rounded), delimited(rows, ",", "\n", false));

    File other{"other-long-numbers.csv", {}, {}, 0, 0, false};
    rows = table(other, plain_id, plain_phone);
    rows[0].insert(rows[0].end(), {"IMEI", "IMSI", "IBAN", "Card", "UUID", "When", "Amount"});
    for (std::size_t i = 1; i < rows.size(); ++i)
      rows[i].insert(rows[i].end(), {"35" + make_.digits(13), "41001" + make_.digits(10),
                                     "PK36SCBL" + make_.digits(16), "4" + make_.digits(15),
                                     make_.digits(8) + "-e29b-41d4-a716-" + make_.digits(12),
                                     "2026-11-22 14:35:00", make_.digits(6) + ".50"});
    add(std::move(other), delimited(rows, ",", "\n", false));

    File times{"times-in-milliseconds.csv", {}, {}, 0, 0, true};
    rows = table(times, plain_id, plain_phone);
    rows[0].emplace_back("ts");
    std::uint64_t at = 1'732'285'500'123;
    for (std::size_t i = 1; i < rows.size(); ++i)
      rows[i].push_back(std::to_string(at += 1 + make_.below(90'000)));
    add(std::move(times), delimited(rows, ",", "\n", false));
  }

  void encodings() {
    const auto text = [&](File& f, bool urdu_digits) {
      Rows rows = {{"شناختی کارڈ", "فون", "نام", "پتہ"}};
      for (const auto& p : people(f))
        rows.push_back({urdu_digits ? make_.in_script(p.id, 0) : any_id(make_, p),
                        any_phone(make_, p), p.urdu, p.address});
      return delimited(rows, ",", "\n", false);
    };
    for (const auto& [name, charset, mark] :
         std::vector<std::tuple<std::string, const char*, std::string>>{
             {"utf8-mark", "UTF-8", "\uFEFF"},
             {"utf16le-mark", "UTF-16LE", "\uFEFF"},
             {"utf16be-mark", "UTF-16BE", "\uFEFF"},
             {"utf16le", "UTF-16LE", ""},
             {"utf16be", "UTF-16BE", ""},
             {"utf32le-mark", "UTF-32LE", "\uFEFF"},
             {"utf32be-mark", "UTF-32BE", "\uFEFF"},
             {"utf32le", "UTF-32LE", ""},
             {"utf32be", "UTF-32BE", ""}}) {
      File f{name + ".csv", {}, {}, 0, 0, false};
      const std::string utf8 = mark + text(f, false);
      f.tokens = tokens_of(utf8);
      add(std::move(f), encoded(utf8, charset));
    }
    File western{"windows-1252.csv", {}, {}, 0, 0, false};
    Rows rows = {{"CNIC", "Phone", "Name"}};
    for (const auto& p : people(western))
      rows.push_back({Maker::joined_id(p.id, "–"),
                      "0" + p.phone.substr(2, 3) + "\u00A0" + p.phone.substr(5),
                      "José Müller – Café"});
    add(std::move(western), encoded(delimited(rows, ";", "\r\n", false), "windows-1252"));

    File arabic{"windows-1256.csv", {}, {}, 0, 0, false};
    rows = {{"CNIC", "Phone", "Name"}};
    for (const auto& p : people(arabic))
      rows.push_back({Maker::joined_id(p.id, "-"), plain_phone(make_, p), "محمد علي خان بن احمد"});
    add(std::move(arabic), encoded(delimited(rows, ",", "\r\n", false), "windows-1256"));

    File twice{"encoded-twice.csv", {}, {}, 0, 0, false};
    const std::string utf8 = text(twice, true);
    // Each byte read as Windows-1252, and written as UTF-8 again.
    std::string again;
    for (const char c : utf8) again += c >= 0 ? std::string(1, c) : encoded_byte(c);
    twice.tokens = tokens_of(utf8);
    add(std::move(twice), again);

    File damaged{"damaged-bytes.csv", {}, {}, 0, 0, false};
    std::string bytes = text(damaged, false);
    for (std::size_t at = bytes.find("Lahore"); at != std::string::npos;
         at = bytes.find("Lahore", at + 1))
      bytes[at + 2] = static_cast<char>(0xFF);
    add(std::move(damaged), bytes);
  }
  // encoded_byte is what Windows-1252 takes a byte for, as UTF-8.
  static std::string encoded_byte(char c) {
    UErrorCode status = U_ZERO_ERROR;
    std::array<char, 8> out{};
    const auto n = ucnv_convert("UTF-8", "windows-1252", out.data(), 8, &c, 1, &status);
    insist(U_SUCCESS(status));
    return {out.data(), static_cast<std::size_t>(n)};
  }

  static std::string quoted(const std::string& s) { return "\"" + s + "\""; }
  std::string object(const Person& p, bool numbers) {
    const std::string id = numbers ? p.id : quoted(any_id(make_, p)),
                      phone = numbers ? p.phone : quoted(any_phone(make_, p));
    return "{\"name\":" + quoted(p.urdu) + ",\"cnic\":" + id + ",\"contact\":{\"mobile\":" + phone +
           ",\"tags\":[\"a\",\"b\"]},\"ok\":true,\"n\":null}";
  }
  static std::string escaped(const std::string& digits) {
    std::string out;
    for (const char c : digits)
      out += c >= '0' && c <= '9' ? std::string("\\u003") + c : std::string(1, c);
    return out;
  }
  void json() {
    const auto list = [&](const std::string& name, const std::string& begin, const std::string& by,
                          const std::string& end, const Cell& one) {
      File f{name, {}, {}, 0, 0, false};
      std::string text = begin;
      bool first = true;
      for (const auto& p : people(f)) {
        text += (first ? "" : by) + one(make_, p);
        first = false;
      }
      return &add(std::move(f), text + end);
    };
    list("array.json", "[", ",", "]", [this](Maker&, const Person& p) { return object(p, false); });
    list("pretty.json", "{\n  \"data\": [\n    ", ",\n    ", "\n  ]\n}\n",
         [this](Maker&, const Person& p) { return object(p, false); });
    list("numbers.json", "[", ",\n", "]",
         [this](Maker&, const Person& p) { return object(p, true); });
    list("lines.jsonl", "", "\n", "\n",
         [this](Maker&, const Person& p) { return object(p, false); });
    list("arrays.jsonl", "", "\n", "\n", [](Maker& m, const Person& p) {
      return "[" + quoted(m.any_id(p.id)) + "," + quoted(p.name) + "," +
             quoted(m.any_phone(p.phone)) + "]";
    });
    list("escapes.json", "[", ",", "]", [](Maker&, const Person& p) {
      return "{\"c\":" + quoted(escaped(Maker::joined_id(p.id, "-"))) +
             ",\"p\":" + quoted("\\u202A" + escaped("0" + p.phone.substr(2)) + "\\u202C") + "}";
    });
    list("keyed-by-id.json", "{", ",", "}", [](Maker&, const Person& p) {
      return quoted(p.id) + ":{\"phone\":" + quoted("0" + p.phone.substr(2)) + ",\"name\":\"x\"}";
    });
    list("calls-in-people.json", "{\"people\":[", ",", "]}", [this](Maker&, const Person& p) {
      return "{\"cnic\":" + quoted(p.id) + ",\"calls\":[{\"to\":" + quoted(any_phone(make_, p)) +
             ",\"s\":61},{\"to\":\"unknown\",\"s\":5}]}";
    });
    list("cut-off.json", "[", ",", ",{\"cnic\":\"352",
         [this](Maker&, const Person& p) { return object(p, false); });
  }

  void sql() {
    const auto insert = [&](const std::string& name, const std::string& head,
                            const std::string& one_head, const std::string& by,
                            const std::string& end, const Cell& one,
                            const char* charset = "UTF-8") {
      File f{name, {}, {}, 0, 0, false};
      std::string text = head;
      bool first = true;
      for (const auto& p : people(f)) {
        text += (first ? "" : by) + one_head + one(make_, p);
        first = false;
      }
      text += end;
      f.tokens = tokens_of(text);
      add(std::move(f), std::string(charset) == "UTF-8" ? text : encoded("\uFEFF" + text, charset));
    };
    const Cell mysql = [](Maker& m, const Person& p) {
      return "(" + m.digits(4) + ",'" + m.any_id(p.id) + "','O\\'Neil, \\\"x\\\"; (',NULL,'" +
             m.any_phone(p.phone) + "','" + p.urdu + "')";
    };
    insert("mysql.sql",
           "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `t`;\nCREATE "
           "TABLE `t` (\n `id` int(11), `cnic` varchar(15) DEFAULT '');\nLOCK TABLES `t` "
           "WRITE;\nINSERT INTO `t` VALUES ",
           "", ",", ";\nUNLOCK TABLES;\n", mysql);
    insert("one-insert-a-row.sql", "",
           "INSERT INTO public.people (id, cnic, note, x, phone, name) VALUES ", ";\n", ";\n",
           [](Maker& m, const Person& p) {
             return "(" + m.digits(4) + ", " + p.id + ", 'it''s; ', 1.5, 0" + p.phone.substr(2) +
                    ", 'a')";
           });
    insert(
        "server.sql", "SET ANSI_NULLS ON\nGO\n", "INSERT [dbo].[People] ([CNIC], [Phone]) VALUES ",
        "\nGO\n", "\nGO\n",
        [](Maker& m, const Person& p) {
          return "(N'" + m.any_id(p.id) + "', N'" + m.any_phone(p.phone) + "')";
        },
        "UTF-16LE");
    insert("postgres.sql",
           "--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\nCOPY public.people "
           "(cnic, phone, name, note) FROM stdin;\n",
           "", "\n", "\n\\.\n\nSELECT 1;\n", [](Maker& m, const Person& p) {
             return m.any_id(p.id) + "\t" + m.any_phone(p.phone) + "\t" + p.urdu +
                    "\tline\\none\\ttab \\N";
           });
  }

  // A workbook: `numbers` are cells of numbers, `shared` strings apart or in place.
  enum class Cells : std::uint8_t { shared, in_place, numbers };
  std::string workbook(File& f, Cells cells, Packing packing) {
    std::string sheet = "<?xml version=\"1.0\"?><worksheet xmlns=\"x\"><sheetData>",
                strings = "<sst>";
    std::size_t row = 0, string = 0;
    for (const auto& p : people(f)) {
      const std::string r = std::to_string(++row);
      sheet += "<row r=\"" + r + "\">";
      const std::string id = cells == Cells::numbers ? p.id : any_id(make_, p),
                        phone = cells == Cells::numbers ? p.phone.substr(2) : any_phone(make_, p);
      for (const auto& [column, value] : std::vector<std::pair<std::string, std::string>>{
               {"A", p.urdu}, {"C", id}, {"AB", phone}}) {
        const bool number = cells == Cells::numbers && column != "A";
        if (number) {
          sheet += "<c r=\"" + column + r + "\"><v>" + value + "</v></c>";
        } else if (cells == Cells::in_place) {
          sheet += "<c r=\"" + column + r + "\" t=\"inlineStr\"><is><t>" + value + "</t></is></c>";
        } else {
          sheet += "<c r=\"" + column + r + "\" s=\"1\" t=\"s\"><v>" + std::to_string(string++) +
                   "</v></c>";
          // Half of them in pieces, as where a part is bold.
          strings += string % 2 == 0 ? "<si><t>" + value + "</t></si>"
                                     : "<si><r><t>" + value.substr(0, 2) +
                                           "</t></r><r><rPr/><t xml:space=\"preserve\">" +
                                           value.substr(2) + "</t></r></si>";
        }
      }
      sheet += "</row>";
    }
    f.tokens = rows_ * 12;
    return zipped({{"[Content_Types].xml", "<Types/>"},
                   {"xl/workbook.xml", "<workbook/>"},
                   {"xl/worksheets/sheet1.xml", sheet + "</sheetData></worksheet>"},
                   {"xl/sharedStrings.xml", strings + "</sst>"}},
                  packing);
  }
  void sheets() {
    for (const auto& [name, cells, packing] : std::vector<std::tuple<std::string, Cells, Packing>>{
             {"shared.xlsx", Cells::shared, Packing::deflate},
             {"in-place.xlsx", Cells::in_place, Packing::deflate},
             {"numbers.xlsx", Cells::numbers, Packing::deflate},
             {"stored.xlsx", Cells::shared, Packing::stored}}) {
      File f{name, {}, {}, 0, 0, false};
      std::string bytes = workbook(f, cells, packing);
      add(std::move(f), std::move(bytes));
    }
  }

  static std::string as_entities(const std::string& digits) {
    std::string out;
    for (const char c : digits)
      out += c == '-'   ? "&ndash;"
             : c == ' ' ? "&nbsp;"
                        : "&#" + std::to_string(static_cast<int>(c)) + ";";
    return out;
  }
  void pages() {
    const auto page = [&](const std::string& name, const std::string& begin, const std::string& end,
                          const Cell& one) {
      File f{name, {}, {}, 0, 0, false};
      std::string text = begin;
      for (const auto& p : people(f)) text += one(make_, p);
      add(std::move(f), text + end);
    };
    page("table.html",
         "<!DOCTYPE html><html><head><style>td{width:3520212345671px}</style><script>var "
         "t=1732285500000;</script></head><body><table><tr><th>CNIC</th><th>Phone</th></tr>\n",
         "</table></body></html>", [](Maker& m, const Person& p) {
           return "<tr class=\"a>b\"><td>" + m.any_id(p.id) + "</td><td>" + m.any_phone(p.phone) +
                  "</td><td>" + p.urdu + "</td></tr>\n";
         });
    page("entities.html", "<html><body><table>", "</table></body></html>",
         [](Maker&, const Person& p) {
           return "<tr><td>" + as_entities(Maker::joined_id(p.id, "-")) + "</td><td>" +
                  as_entities("0" + p.phone.substr(2, 3) + " " + p.phone.substr(5)) + "</td></tr>";
         });
    page("paragraphs.html", "<html><body>", "</body></html>", [](Maker& m, const Person& p) {
      return "<div>Name: " + p.name + "<br>CNIC: <b>" + m.any_id(p.id) +
             "</b><br/>Cell: <span dir=ltr>" + m.any_phone(p.phone) + "</span></div>\n";
    });
    page("never-closed.html", "<table border=1>", "", [](Maker& m, const Person& p) {
      return "<tr><td>" + m.any_id(p.id) + "<td>" + m.any_phone(p.phone) + "<td>3 < 5 & x\n";
    });
    File f{"letter.docx", {}, {}, 0, 0, false};
    std::string text = "<?xml version=\"1.0\"?><w:document xmlns:w=\"x\"><w:body>";
    for (const auto& p : people(f))
      text += "<w:p w:id=\"3520212345671\"><w:r><w:t>" + any_id(make_, p) +
              "</w:t></w:r><w:r><w:tab/><w:t>" + any_phone(make_, p) + "</w:t></w:r></w:p>";
    f.tokens = rows_ * 10;
    add(std::move(f), zipped({{"[Content_Types].xml", "<Types/>"},
                              {"word/document.xml", text + "</w:body></w:document>"}},
                             Packing::deflate));
  }

  void chat() {
    const auto lines = [&](const std::string& name, const Cell& one) {
      File f{name, {}, {}, 0, 0, false};
      std::string text;
      for (const auto& p : people(f)) text += one(make_, p);
      add(std::move(f), text);
    };
    lines("chat.txt", [](Maker& m, const Person& p) {
      return "[22/11/2026, 2:" + Maker::two(m.below(60)) + ":11 pm] Ali Bhai: bhai ye lo " +
             m.any_id(p.id) + "\n[22/11/2026, 2:35:12 pm] Ali Bhai: number " +
             m.any_phone(p.phone) + " 500 rs ka, jaldi\n";
    });
    lines("cards.txt", [](Maker& m, const Person& p) {
      return "Name : " + p.name + "\nCNIC : " + m.any_id(p.id) +
             "\nMobile: " + m.any_phone(p.phone) + "\nAddress: " + p.address + "\n-----------\n\n";
    });
    lines("numbered.txt", [](Maker& m, const Person& p) {
      return std::to_string(1 + m.below(99)) + "- " + Maker::joined_id(p.id, "-") + " " +
             m.any_phone(p.phone) + " " + p.name + "\n";
    });
    lines("aligned.txt", [](Maker&, const Person& p) {
      return p.id + "   0" + p.phone.substr(2) + "     " + p.name + "\n";
    });
    lines("slashes.txt", [](Maker&, const Person& p) {
      return p.name + ": 0" + p.phone.substr(2) + "/" + Maker::joined_id(p.id, "-") + "\n";
    });
    lines("labels.txt", [](Maker&, const Person& p) {
      return "CNIC" + p.id + " Ph" + "0" + p.phone.substr(2) +
             " at https://x.test/2026/11/22?id=77\n";
    });
    lines("urdu.txt", [](Maker& m, const Person& p) {
      return "نام " + p.urdu + " شناختی کارڈ نمبر " + m.in_script(Maker::joined_id(p.id, "-"), 0) +
             " فون " + m.in_script("0" + p.phone.substr(2), 0) + "۔\n";
    });
  }

  void archives() {
    const auto inside = [&](File& f) {
      return delimited(table(f, any_id, any_phone), ",", "\n", false);
    };
    File one{"one.zip", {}, {}, 0, 0, false};
    std::string a = inside(one);
    one.tokens = tokens_of(a);
    add(std::move(one), zipped({{"data/leak.csv", a}}, Packing::deflate));
    File several{"several.zip", {}, {}, 0, 0, false};
    a = inside(several);
    const std::string b = inside(several);
    several.tokens = tokens_of(a + b);
    add(std::move(several),
        zipped({{"a.csv", a}, {"b/", ""}, {"b/b.txt", b}, {"photo.png", "\x89PNG...."}},
               Packing::deflate));
    File nested{"nested.zip", {}, {}, 0, 0, false};
    a = inside(nested);
    nested.tokens = tokens_of(a);
    add(std::move(nested),
        zipped({{"inner.zip", zipped({{"x.csv.gz", gzipped(a)}}, Packing::deflate)}},
               Packing::stored));
    File gz{"packed.csv.gz", {}, {}, 0, 0, false};
    a = inside(gz);
    gz.tokens = tokens_of(a);
    add(std::move(gz), gzipped(a));
    File members{"members.gz", {}, {}, 0, 0, false};
    a = inside(members);
    members.tokens = tokens_of(a);
    const std::size_t half = a.find('\n', a.size() / 2) - 20;
    add(std::move(members), gzipped(a.substr(0, half)) + gzipped(a.substr(half)));
    File misnamed{"really-a-workbook.csv", {}, {}, 0, 0, false};
    std::string bytes = workbook(misnamed, Cells::shared, Packing::deflate);
    add(std::move(misnamed), std::move(bytes));
  }

  Maker make_;
  const std::size_t rows_;
  std::vector<File> files_;
};

}  // namespace

std::vector<File> all_files(std::uint64_t seed, std::size_t rows) {
  return Making(seed, rows).all();
}

namespace {

struct Outcome {
  std::uint64_t expected = 0, found = 0, spurious = 0, tokens = 0;
};

Outcome judge(const File& file, Summary& summary) {
  Outcome o;
  auto left = file.truth;
  for (const auto& [id, times] : file.truth) o.expected += static_cast<std::uint64_t>(times);
  o.tokens = file.tokens;
  ReadOptions options;
  std::uint64_t times = 0;
  options.on_row = [&](const LeakRow& row) {
    EXPECT_EQ(row.columns.size(), row.identifiers.size());
    for (const Identifier& id : row.identifiers) {
      EXPECT_LE(id.offset + id.length, row.text.size());
      if (id.partial) continue;
      const auto at = left.find({id.kind, std::string(id.canonical())});
      if (at != left.end() && at->second > 0)
        --at->second, ++o.found;
      else if (file.doubtful && id.layout == Layout::plain && id.digits[0] == '1')
        ++times;
      else
        ++o.spurious;
    }
  };
  auto read = read_leak_bytes(file.bytes, file.name, options);
  EXPECT_TRUE(read.has_value()) << file.name;
  if (!read) return o;
  EXPECT_EQ(read->doubtful, times) << file.name;
  EXPECT_EQ(read->partial[0] + read->partial[1], static_cast<std::uint64_t>(file.partial))
      << file.name;
  summary = *std::move(read);
  return o;
}

TEST(DirtyFiles, AtLeast999In1000IdentifiersAreFoundAndHardlyAnythingElse) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto files = all_files(seed, 120);
  EXPECT_GE(files.size(), 60u);
  Outcome all;
  for (const File& file : files) {
    Summary summary;
    const Outcome o = judge(file, summary);
    EXPECT_GE(static_cast<double>(o.found), 0.99 * static_cast<double>(o.expected)) << file.name;
    EXPECT_LE(o.spurious, 2u) << file.name;
    all.expected += o.expected;
    all.found += o.found;
    all.spurious += o.spurious;
    all.tokens += o.tokens;
  }
  std::printf("    %zu files, %llu identifiers, %llu found, %llu spurious among %llu tokens\n",
              files.size(), static_cast<unsigned long long>(all.expected),
              static_cast<unsigned long long>(all.found),
              static_cast<unsigned long long>(all.spurious),
              static_cast<unsigned long long>(all.tokens));
  EXPECT_GE(static_cast<double>(all.found), 0.999 * static_cast<double>(all.expected));
  EXPECT_LE(static_cast<double>(all.spurious), 1e-4 * static_cast<double>(all.tokens));
}

TEST(DirtyFiles, FormatsAndEncodingsAreToldByContent) {
  std::map<std::string, std::pair<Format, std::string>> told;
  for (const File& file : all_files(1, 40)) {
    auto read = read_leak_bytes(file.bytes, "unknown", {});
    ASSERT_TRUE(read.has_value()) << file.name;
    const auto& part = *std::find_if(read->parts.begin(), read->parts.end(),
                                     [](const auto& p) { return p.format != Format::unread; });
    told[file.name] = {part.format, part.charset};
  }
  const auto is = [&](const char* name, Format format, const char* charset) {
    EXPECT_EQ(word_of(told[name].first), word_of(format)) << name;
    EXPECT_EQ(told[name].second, charset) << name;
  };
  is("comma.csv", Format::delimited, "UTF-8");
  is("caret.txt", Format::delimited, "UTF-8");
  is("utf16be.csv", Format::delimited, "UTF-16BE");
  is("utf32le.csv", Format::delimited, "UTF-32LE");
  is("windows-1256.csv", Format::delimited, "windows-1256");
  is("encoded-twice.csv", Format::delimited, "UTF-8, encoded twice");
  is("array.json", Format::json, "UTF-8");
  is("lines.jsonl", Format::json_lines, "UTF-8");
  is("mysql.sql", Format::sql, "UTF-8");
  is("postgres.sql", Format::sql, "UTF-8");
  is("server.sql", Format::sql, "UTF-16LE");
  is("table.html", Format::html, "UTF-8");
  is("shared.xlsx", Format::sheet, "UTF-8");
  is("really-a-workbook.csv", Format::sheet, "UTF-8");
  is("letter.docx", Format::document, "UTF-8");
  is("chat.txt", Format::plain, "UTF-8");
  is("cards.txt", Format::plain, "UTF-8");
}

TEST(DirtyFiles, ColumnsAreRecognisedByTheirValues) {
  for (const File& file : all_files(2, 60)) {
    if (file.name != "comma.csv" && file.name != "no-heading.csv" && file.name != "quoted.csv" &&
        file.name != "in-place.xlsx")
      continue;
    auto read = read_leak_bytes(file.bytes, file.name, {});
    ASSERT_TRUE(read.has_value());
    ASSERT_FALSE(read->clusters.empty());
    std::vector<std::string> kinds;
    for (const auto& c : read->clusters.back().columns) kinds.emplace_back(word_of(c.kind));
    if (file.name == "in-place.xlsx") {
      EXPECT_EQ(kinds[0], "name");
      EXPECT_EQ(kinds[2], "national-id");
      EXPECT_EQ(kinds[27], "msisdn");
      continue;
    }
    const std::vector<std::string> expected = {"number", "national-id", "msisdn",
                                               "name",   "text",        "date"};
    EXPECT_EQ(kinds, expected) << file.name;
    EXPECT_EQ(read->clusters.back().has_heading, file.name != "no-heading.csv") << file.name;
    EXPECT_EQ(read->rows, 60u) << file.name;
  }
}

TEST(DirtyFiles, WhereverTheInputIsCutTheRowsAreTheSame) {
  // Files longer than a piece; every row is found again at the place it was said to be.
  for (const File& file : all_files(3, 4000)) {
    if (file.name != "any-layout.csv" && file.name != "line-breaks-in-cells.csv" &&
        file.name != "utf16le.csv")
      continue;
    ASSERT_GT(file.bytes.size(), 300'000u) << file.name;
    Summary summary;
    const Outcome o = judge(file, summary);
    EXPECT_EQ(o.found, o.expected) << file.name;
    EXPECT_EQ(o.spurious, 0u) << file.name;
    EXPECT_EQ(summary.rows, 4000u) << file.name;
  }
}

}  // namespace
}  // namespace amanat::trace::dirty
