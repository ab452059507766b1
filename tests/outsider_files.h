#pragma once
// outsider: an officer's copies of some citizens, written down as people who sell such things write
// them. `rows` and `coins` are the least that a trace must keep of each: the truth about the file,
// from what its format leaves.

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "trace/test_dirty_files.h"

namespace amanat::test::outsider {

using trace::dirty::gzipped;
using trace::dirty::Packing;
using trace::dirty::zipped;

/// Copy is what one officer was shown about one citizen.
struct Copy {
  std::string id;
  std::map<std::string, std::string> shown;  // by the field's last name
  std::string at(const std::string& field) const {
    const auto found = shown.find(field);
    return found == shown.end() ? std::string() : found->second;
  }
  std::string address() const {
    return at("present_address").empty() ? at("permanent_address") : at("present_address");
  }
};
using Copies = std::vector<Copy>;

struct Leak {
  std::string name, bytes;
  double rows = 0.95, coins = 0.5;  // at least: of the rows, and of the coins of the plain table
};

// ---- how people write numbers, dates, words ----

inline std::string dashed(const std::string& id) {
  return id.substr(0, 5) + "-" + id.substr(5, 7) + "-" + id.substr(12);
}
inline std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return text;
}
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}
/// in_digits writes digits of another script: "\u06F0" Urdu, "\u0660" Arabic.
inline std::string in_digits(const std::string& text, bool urdu) {
  std::string out;
  for (const char c : text)
    if (c < '0' || c > '9')
      out += c;
    else if (urdu)
      out += {'\xDB', static_cast<char>(0xB0 + (c - '0'))};
    else
      out += {'\xD9', static_cast<char>(0xA0 + (c - '0'))};
  return out;
}

struct Day {
  std::string y, m, d;
  bool whole() const { return !d.empty(); }
};
inline const std::array<const char*, 12>& months() {
  static const std::array<const char*, 12> kMonths = {
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  return kMonths;
}
/// day_of takes a date apart, whatever its form was; a month has no day.
inline Day day_of(const std::string& shown) {
  Day day;
  if (shown.size() == 7) return {shown.substr(0, 4), shown.substr(5, 2), ""};
  if (shown.size() == 10 && shown[4] == '-')
    return {shown.substr(0, 4), shown.substr(5, 2), shown.substr(8, 2)};
  if (shown.size() == 10) return {shown.substr(6), shown.substr(3, 2), shown.substr(0, 2)};
  if (shown.size() == 11) {
    for (std::size_t m = 0; m < 12; ++m)
      if (shown.substr(3, 3) == std::string(months()[m]).substr(0, 3))
        day.m = (m < 9 ? "0" : "") + std::to_string(m + 1);
    day.y = shown.substr(7), day.d = shown.substr(0, 2);
  }
  return day;
}
using Typed = std::function<std::string(const Day&)>;
inline std::string typed(const std::string& shown, const Typed& as) {
  if (shown.empty()) return {};
  const Day day = day_of(shown);
  return as(day);
}
inline std::string serial_of(const Day& day) {
  if (!day.whole()) return day.m + "/" + day.y;
  const int y = std::stoi(day.y), m = std::stoi(day.m), d = std::stoi(day.d);
  const int yy = y - (m <= 2 ? 1 : 0), era = yy / 400, yoe = yy - era * 400;
  const int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  const int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return std::to_string(era * 146097 + doe - 719468 + 25569);
}
inline std::string in_words(const Day& day) {
  const std::string month = months()[static_cast<std::size_t>(std::stoi(day.m)) - 1];
  if (!day.whole()) return month + " " + day.y;
  const int d = std::stoi(day.d);
  const char* th = d % 10 == 1 && d != 11   ? "st"
                   : d % 10 == 2 && d != 12 ? "nd"
                   : d % 10 == 3 && d != 13 ? "rd"
                                            : "th";
  return std::to_string(d) + th + " " + month + ", " + day.y;
}

// ---- rows ----

using Cells = std::vector<std::string>;
struct Manner {
  std::function<std::string(const std::string&)> id = dashed;
  std::function<std::string(const std::string&)> words = upper;
  Typed date = [](const Day& d) {
    return d.whole() ? d.d + "/" + d.m + "/" + d.y : d.m + "/" + d.y;
  };
};
inline const Cells& headings() {
  static const Cells kHeadings = {"Naam", "Shanakhti Card", "Pata", "Jins", "Jari", "Khatam"};
  return kHeadings;
}
inline Cells cells_of(const Copy& copy, const Manner& as = {}) {
  return {as.words(copy.at("name")),
          as.id(copy.id),
          as.words(copy.address()),
          copy.at("gender"),
          typed(copy.at("issued_on"), as.date),
          typed(copy.at("expires_on"), as.date)};
}
inline std::string joined(const Cells& cells, const std::string& by,
                          const std::string& quote = "") {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) out += (i ? by : "") + quote + cells[i] + quote;
  return out;
}
using Each = std::function<std::string(const Copy& copy, std::size_t n)>;
inline std::string each(const Copies& copies, const Each& one) {
  std::string out;
  for (std::size_t i = 0; i < copies.size(); ++i) out += one(copies[i], i);
  return out;
}
inline std::string csv(const Copies& copies, const Manner& as = {}) {
  return joined(headings(), ",") + "\r\n" + each(copies, [&](const Copy& c, std::size_t) {
           return joined(cells_of(c, as), ",", "\"") + "\r\n";
         });
}
/// labelled is "Naam: X" and so on, what is empty left out.
inline std::string labelled(const Copy& c, const std::string& between, const std::string& after,
                            const std::string& bold = "", const Manner& as = {}) {
  const Cells cells = cells_of(c, as);
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (!cells[i].empty())
      out += (out.empty() ? "" : between) + bold + headings()[i] + bold + after + cells[i];
  return out;
}
inline std::string base64(const std::string& bytes, std::size_t line = 76) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::size_t written = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t n = 0;
    for (std::size_t k = 0; k < 3; ++k)
      n = n << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k > bytes.size() ? '=' : kLetters[n >> (18 - 6 * k) & 63];
    if (line > 0 && (written += 4) % line == 0) out += "\n";
  }
  return out + "\n";
}
inline std::string strangers(std::size_t n, std::size_t i) {
  std::string out;
  for (std::size_t k = 0; k < n; ++k)
    out += "\"KOI AUR\",\"" +
           dashed(std::to_string(3'140'000'000'017 + 7'919'000'077 * k + 13 * i)) +
           "\",\"MOHALLA, KASUR\",\"M\",\"01/01/2020\",\"01/01/2030\"\r\n";
  return out;
}
inline std::string sheet_of(const std::vector<Cells>& rows, const std::string& after = "") {
  std::string sheet =
      "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/"
      "spreadsheetml/2006/main\"><sheetData>";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    sheet += "<row r=\"" + std::to_string(r + 1) + "\">";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      if (rows[r][c].empty()) continue;
      sheet += "<c r=\"" + std::string(1, static_cast<char>('A' + c)) + std::to_string(r + 1) +
               "\" t=\"inlineStr\"><is><t>" + replaced(rows[r][c], "&", "&amp;") + "</t></is></c>";
    }
    sheet += "</row>";
  }
  return zipped({{"[Content_Types].xml", "<Types/>"},
                 {"xl/workbook.xml", "<workbook/>"},
                 {"xl/worksheets/sheet1.xml", sheet + "</sheetData>" + after + "</worksheet>"}},
                Packing::deflate);
}

// ---- the files ----

inline void add_tables(const Copies& copies, std::vector<Leak>& out) {
  out.push_back({"plain.csv", csv(copies)});
  Manner as;
  as.id = [](const std::string& id) { return in_digits(dashed(id), true); };
  as.date = [](const Day& d) {
    return in_digits(d.whole() ? d.d + "/" + d.m + "/" + d.y : d.m + "/" + d.y, true);
  };
  out.push_back({"urdu digits.csv", csv(copies, as)});
  as.id = [](const std::string& id) { return in_digits(id, false); };
  out.push_back({"arabic digits.csv", csv(copies, as)});
  const std::pair<const char*, Typed> kDates[] = {
      {"dates in words", in_words},
      {"dates month first",
       [](const Day& d) { return d.whole() ? d.m + "/" + d.d + "/" + d.y : d.m + "/" + d.y; }},
      {"dates of two figures",
       [](const Day& d) {
         return d.whole() ? d.d + "." + d.m + "." + d.y.substr(2) : d.m + "." + d.y;
       }},
      {"dates as a spreadsheet's days", serial_of},
      {"dates with midnight",
       [](const Day& d) {
         return d.whole() ? d.y + "-" + d.m + "-" + d.d + " 00:00:00.000" : d.y + "-" + d.m;
       }},
      {"dates in a row", [](const Day& d) { return d.y + d.m + d.d; }},
      {"dates the Omani way",
       [](const Day& d) {
         return d.whole() ? d.d + "-" + std::string(months()[std::stoul(d.m) - 1]).substr(0, 3) +
                                "-" + d.y.substr(2)
                          : std::string(months()[std::stoul(d.m) - 1]).substr(0, 3) + "-" + d.y;
       }},
  };
  for (const auto& [name, date] : kDates) {
    Manner dated;
    dated.date = date;
    out.push_back({std::string(name) + ".csv", csv(copies, dated)});
  }
  as = {};
  as.words = [](const std::string& s) {
    return upper(replaced(replaced(replaced(s, ", ", " "), "#", ""), ".", " "));
  };
  out.push_back({"no commas.csv", csv(copies, as)});
  as.words = [](const std::string& s) { return replaced(s, ", ", ",\n"); };
  out.push_back({"addresses over lines.csv", csv(copies, as)});
  out.push_back({"preamble.csv",
                 "Confidential list\r\nexported by admin on 22/11/2026\r\n\r\n" + csv(copies)});
  out.push_back({"every row three times.csv", each(copies, [](const Copy& c, std::size_t) {
                   const std::string row = joined(cells_of(c), ",", "\"") + "\r\n";
                   return row + row + row;
                 })});
  out.push_back({"among strangers.csv", each(copies, [](const Copy& c, std::size_t i) {
                   return strangers(20, i) + joined(cells_of(c), ",", "\"") + "\r\n";
                 })});
  out.push_back({"markdown.md", "| " + joined(headings(), " | ") +
                                    " |\n|---|---|---|---|---|---|\n" +
                                    each(copies, [](const Copy& c, std::size_t) {
                                      return "| " + joined(cells_of(c), " | ") + " |\n";
                                    })});
  out.push_back({"two pipes.txt", each(copies, [](const Copy& c, std::size_t) {
                   return joined(cells_of(c), "||") + "\n";
                 })});
  out.push_back({"fixed width.txt", each(copies, [](const Copy& c, std::size_t) {
                   std::string row;
                   for (std::string cell : cells_of(c)) {
                     cell.resize(std::max<std::size_t>(cell.size() + 2, 34), ' ');
                     row += cell;
                   }
                   return row + "\r\n";
                 })});
  out.push_back(
      {"names alone.csv",
       each(copies, [](const Copy& c, std::size_t) { return c.at("name") + "," + c.id + "\n"; }),
       0.95, 0});
  out.push_back(
      {"utf-16.txt",
       trace::dirty::encoded("\uFEFF" + replaced(csv(copies), "\",\"", "\"\t\""), "UTF-16LE")});
  as = {};
  as.words = [](const std::string& s) { return s + " \u0644\u0627\u06C1\u0648\u0631"; };
  out.push_back(
      {"encoded twice.csv",
       trace::dirty::encoded(trace::dirty::encoded("\u0646\u0627\u0645," + csv(copies), "UTF-8"),
                             "UTF-8")});
}

inline void add_chats(const Copies& copies, std::vector<Leak>& out) {
  out.push_back({"whatsapp android.txt",
                 "22/11/2026, 14:01 - Messages and calls are end-to-end encrypted.\n" +
                     each(copies, [](const Copy& c, std::size_t i) {
                       return "22/11/2026, 14:" + std::to_string(10 + i) +
                              " - +92 301 1112223: " + labelled(c, " ", ": ") +
                              "\n22/11/2026, 14:" + std::to_string(10 + i) + " - Bhai: ok next\n";
                     })});
  out.push_back({"whatsapp ios cards.txt", each(copies, [](const Copy& c, std::size_t i) {
                   return "\u200E[22/11/2026, 2:" + std::to_string(10 + i) +
                          ":07 PM] Malik Sb: \U0001F4C4 " + labelled(c, "\n", " ", "*") + "\n";
                 })});
  out.push_back({"telegram.json",
                 "{\"name\":\"Data group\",\"type\":\"private_supergroup\",\"id\":1234567890,"
                 "\"messages\":[" +
                     each(copies,
                          [&](const Copy& c, std::size_t i) {
                            const Cells cells = cells_of(c);
                            return std::string(i ? "," : "") +
                                   "{\"id\":" + std::to_string(100 + i) +
                                   ",\"type\":\"message\",\"date\":\"2026-11-22T14:01:22\","
                                   "\"date_unixtime\":\"1795355" +
                                   std::to_string(100 + i) +
                                   "\",\"from\":\"Malik\",\"text\":[{\"type\":\"bold\",\"text\":"
                                   "\"Naam\"},\": " +
                                   cells[0] + "\\nCNIC \",{\"type\":\"phone\",\"text\":\"" +
                                   cells[1] + "\"},\"\\nPata: " + cells[2] +
                                   "\\nJins: " + cells[3] + "\\nJari: " + cells[4] +
                                   "\\nKhatam: " + cells[5] + "\"]}";
                          }) +
                     "]}"});
  out.push_back({"telegram.html",
                 "<!DOCTYPE html><html><body><div class=\"history\">" +
                     each(copies,
                          [](const Copy& c, std::size_t i) {
                            return "<div class=\"message default clearfix\" id=\"message" +
                                   std::to_string(i) +
                                   "\"><div class=\"pull_right date details\" title=\"22.11.2026 "
                                   "14:01:22\">14:01</div><div class=\"from_name\">Malik</div><div "
                                   "class=\"text\">" +
                                   labelled(c, "<br>", ": ") + "</div></div>";
                          }) +
                     "</div></body></html>"});
  out.push_back({"cards with blank lines.txt", each(copies, [](const Copy& c, std::size_t) {
                   return labelled(c, "\r\n", " : ") + "\r\n\r\n";
                 })});
  out.push_back({"cards double spaced.txt", each(copies, [](const Copy& c, std::size_t) {
                   return labelled(c, "\n\n", ": ") + "\n\n\n";
                 })});
  out.push_back(
      {"cards without blank lines.txt",
       each(copies, [](const Copy& c, std::size_t) { return labelled(c, "\n", ":") + "\n"; }), 0.95,
       0.5});
  out.push_back(
      {"copied from a pdf, a value a line.txt", each(copies, [](const Copy& c, std::size_t i) {
         return std::to_string(i + 1) + "\n" + joined(cells_of(c), "\n") + "\n";
       })});
  out.push_back({"copied from a pdf, a row a line.txt",
                 "LIST OF PERSONS                                   Page 1 of 2\n" +
                     each(copies, [](const Copy& c, std::size_t i) {
                       return std::to_string(i + 1) + " " + joined(cells_of(c), " ") + "\n";
                     })});
  out.push_back({"chat, all in one sentence.txt",
                 each(copies,
                      [](const Copy& c, std::size_t) {
                        const Cells cells = cells_of(c);
                        return "yeh lo: " + cells[0] + " ka card " + cells[1] + " hai, ghar " +
                               cells[2] + "; card bana " + cells[4] + ", khatam " + cells[5] +
                               "!\n";
                      }),
                 0.95, 0.7});
  out.push_back({"card numbers broken over lines.txt", each(copies, [](const Copy& c, std::size_t) {
                   Manner as;
                   as.id = [](const std::string& id) {
                     return id.substr(0, 5) + "-\n" + id.substr(5, 7) + "-" + id.substr(12);
                   };
                   return labelled(c, "\n", ": ", "", as) + "\n\n";
                 })});
  out.push_back({"read off a picture.txt", each(copies, [](const Copy& c, std::size_t i) {
                   Manner as;
                   as.id = [i](const std::string& id) {
                     std::string seen = dashed(id);
                     const std::array<std::pair<char, char>, 4> wrong = {
                         {{'0', 'O'}, {'1', 'l'}, {'5', 'S'}, {'8', 'B'}}};
                     std::size_t n = 0;
                     for (std::size_t k = 1; k < seen.size() && n < 2; ++k)
                       for (const auto& [from, to] : wrong)
                         if (seen[k] == from && (k + i) % 3 == 0) seen[k] = to, ++n;
                     return seen;
                   };
                   return labelled(c, "\n", ": ", "", as) + "\n\n";
                 })});
  out.push_back({"key and value.log",
                 each(copies,
                      [](const Copy& c, std::size_t i) {
                        const Cells v = cells_of(c);
                        return "2026-11-22T14:01:" + std::to_string(10 + i) +
                               "Z INFO verisys ok cnic=" + v[1] + " name=\"" + v[0] + "\" addr=\"" +
                               v[2] + "\" sex=" + v[3] + " issued=" + v[4] + " expires=" + v[5] +
                               " ms=41\n";
                      }),
                 0.95, 0.7});
  out.push_back(
      {"requests.log", each(copies, [](const Copy& c, std::size_t) {
         const Cells v = cells_of(c);
         const auto coded = [](const std::string& s) {
           return replaced(replaced(replaced(replaced(s, "#", "%23"), "/", "%2F"), ",", "%2C"), " ",
                           "+");
         };
         return "10.1.2.3 - - [22/Nov/2026:14:01:22 +0500] \"GET /save?cnic=" + coded(v[1]) +
                "&name=" + coded(v[0]) + "&address=" + coded(v[2]) + "&issue=" + coded(v[4]) +
                "&expiry=" + coded(v[5]) + " HTTP/1.1\" 200 512\n";
       })});
}

inline void add_dumps(const Copies& copies, std::vector<Leak>& out) {
  const auto quoted = [](const Copy& c, const std::string& before = "'") {
    std::string row;
    for (const auto& cell : cells_of(c))
      row += (row.empty() ? "" : ",") +
             (cell.empty() ? "NULL" : before + replaced(cell, "'", "''") + "'");
    return row;
  };
  out.push_back({"mysql.sql",
                 "-- MySQL dump 10.13\nDROP TABLE IF EXISTS `log`;\nCREATE TABLE `log` (`n` "
                 "varchar(99));\nLOCK TABLES `log` WRITE;\nINSERT INTO `log` VALUES " +
                     each(copies,
                          [&](const Copy& c, std::size_t i) {
                            return std::string(i ? "," : "") + "(" + std::to_string(i) + "," +
                                   quoted(c) + ")";
                          }) +
                     ";\nUNLOCK TABLES;\n",
                 0.95, 0.45});
  out.push_back(
      {"postgres.sql",
       "--\n-- PostgreSQL database dump\n--\nCOPY public.log (naam, card, pata, jins, jari, "
       "khatam) FROM stdin;\n" +
           each(copies,
                [](const Copy& c, std::size_t) {
                  std::string row;
                  for (const auto& cell : cells_of(c))
                    row += (row.empty() ? "" : "\t") + (cell.empty() ? "\\N" : cell);
                  return row + "\n";
                }) +
           "\\.\n"});
  out.push_back(
      {"mssql.sql",
       "USE [data]\nGO\nSET IDENTITY_INSERT [dbo].[log] ON\n" +
           each(copies, [&](const Copy& c, std::size_t i) {
             return "INSERT [dbo].[log] ([id],[naam],[card],[pata],[jins],[jari],[khatam]) "
                    "VALUES (" +
                    std::to_string(i) + ", " + quoted(c, "N'") + ")\nGO\n";
           })});
  out.push_back(
      {"oracle.sql", "SET DEFINE OFF;\n" + each(copies, [&](const Copy& c, std::size_t) {
                       return "Insert into HR.LOG (NAAM,CARD,PATA,JINS,JARI,KHATAM) values (" +
                              quoted(c) + ");\n";
                     }) + "COMMIT;\n"});
  out.push_back(
      {"oracle all.sql", "INSERT ALL\n" + each(copies, [&](const Copy& c, std::size_t) {
                           return "  INTO log (naam,card,pata,jins,jari,khatam) VALUES (" +
                                  quoted(c) + ")\n";
                         }) + "SELECT * FROM dual;\n"});
  out.push_back(
      {"sqlite.sql", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE log(a TEXT);\n" +
                         each(copies,
                              [&](const Copy& c, std::size_t) {
                                return "INSERT INTO log VALUES(" + quoted(c) + ");\n";
                              }) +
                         "COMMIT;\n"});
  out.push_back(
      {"nested.json",
       "{\"status\":\"ok\",\"data\":{\"people\":[" + each(copies, [](const Copy& c, std::size_t i) {
         const Cells v = cells_of(c);
         return std::string(i ? "," : "") + "{\"person\":{\"ids\":{\"cnic\":\"" + v[1] +
                "\"},\"name\":{\"full\":\"" + v[0] +
                "\"},\"addresses\":[{\"type\":\"home\","
                "\"text\":\"" +
                v[2] + "\"}],\"sex\":\"" + v[3] + "\"},\"card\":{\"issued\":\"" + v[4] +
                "\",\"expires\":\"" + v[5] + "\"}}";
       }) + "]}}"});
  out.push_back({"by number.json", "{" + each(copies, [](const Copy& c, std::size_t i) {
                                     const Cells v = cells_of(c);
                                     return std::string(i ? "," : "") + "\"" + c.id +
                                            "\":{\"name\":\"" + v[0] + "\",\"addr\":\"" + v[2] +
                                            "\",\"sex\":\"" + v[3] + "\",\"from\":\"" + v[4] +
                                            "\",\"to\":\"" + v[5] + "\"}";
                                   }) + "}"});
  out.push_back(
      {"arrays.json",
       "[[\"" + joined(headings(), "\",\"") + "\"]" + each(copies, [](const Copy& c, std::size_t) {
         return ",[\"" + joined(cells_of(c), "\",\"") + "\"]";
       }) + "]"});
  out.push_back({"python.txt",
                 each(copies,
                      [](const Copy& c, std::size_t) {
                        const Cells v = cells_of(c);
                        return "{'naam': '" + v[0] + "', 'card': '" + v[1] + "', 'pata': '" + v[2] +
                               "', 'jins': '" + v[3] + "', 'jari': '" + v[4] + "', 'khatam': '" +
                               v[5] + "', 'x': None}\n";
                      }),
                 0.95, 0.4});
  out.push_back({"print_r.txt", each(copies, [](const Copy& c, std::size_t i) {
                   const Cells v = cells_of(c);
                   std::string row = "Array\n(\n";
                   for (std::size_t k = 0; k < v.size(); ++k)
                     row += "    [" + headings()[k] + "] => " + v[k] + "\n";
                   return row + ")\n" + (i % 4 == 0 ? "\n" : "");
                 })});
  out.push_back({"records.xml",
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records>\n" +
                     each(copies,
                          [](const Copy& c, std::size_t) {
                            const Cells v = cells_of(c);
                            return "  <record><Naam>" + v[0] + "</Naam><Card>" + v[1] +
                                   "</Card><Pata>" + v[2] + "</Pata><Jins>" + v[3] +
                                   "</Jins><Jari>" + v[4] + "</Jari><Khatam>" + v[5] +
                                   "</Khatam></record>\n";
                          }) +
                     "</records>\n",
                 0.95, 0.5});
  out.push_back({"attributes.xml",
                 "<?xml version=\"1.0\"?>\n<rows>\n" +
                     each(copies,
                          [](const Copy& c, std::size_t) {
                            const Cells v = cells_of(c);
                            return "<row naam=\"" + v[0] + "\" card=\"" + v[1] + "\" pata=\"" +
                                   v[2] + "\" jins=\"" + v[3] + "\" jari=\"" + v[4] +
                                   "\" khatam=\"" + v[5] + "\"/>\n";
                          }) +
                     "</rows>\n",
                 0.95, 0.5});
  out.push_back({"cards.vcf",
                 each(copies,
                      [](const Copy& c, std::size_t) {
                        const Cells v = cells_of(c);
                        return "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:" + v[0] + "\r\nX-CNIC:" + v[1] +
                               "\r\nADR;TYPE=HOME:" + v[2] + "\r\nX-ISSUED:" + v[4] +
                               "\r\nNOTE:" + v[5] + "\r\nEND:VCARD\r\n";
                      }),
                 0.95, 0.7});
  out.push_back({"list.yaml", "people:\n" + each(copies, [](const Copy& c, std::size_t) {
                                const Cells v = cells_of(c);
                                return "  - naam: " + v[0] + "\n    card: '" + v[1] +
                                       "'\n    pata: \"" + v[2] + "\"\n    jins: " + v[3] +
                                       "\n    jari: " + v[4] + "\n    khatam: " + v[5] + "\n";
                              })});
}

inline void add_packed(const Copies& copies, std::vector<Leak>& out) {
  out.push_back({"packed.csv.gz", gzipped(csv(copies))});
  out.push_back({"base64.txt", base64(csv(copies))});
  out.push_back({"base64 of gzip.txt", base64(gzipped(csv(copies)), 0)});
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t i = 0; i < copies.size(); ++i)
    files.push_back(
        {"person" + std::to_string(i) + ".txt", labelled(copies[i], "\n", ": ") + "\n"});
  out.push_back({"a file each.zip", zipped(files, Packing::deflate)});
  out.push_back(
      {"mail.eml",
       "From: a@example.org\r\nTo: b@example.org\r\nSubject: list\r\nMIME-Version: 1.0\r\n"
       "Content-Type: multipart/mixed; boundary=\"xx\"\r\n\r\n--xx\r\nContent-Type: "
       "text/plain\r\n\r\nsee attachment\r\n--xx\r\nContent-Type: text/csv; name=\"l.csv\"\r\n"
       "Content-Transfer-Encoding: base64\r\n\r\n" +
           replaced(base64(csv(copies)), "\n", "\r\n") + "--xx--\r\n"});
  out.push_back({"rich.rtf", "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Calibri;}}\\f0\\fs22 " +
                                 each(copies,
                                      [](const Copy& c, std::size_t) {
                                        return labelled(c, "\\line ", ": ") + "\\par\n";
                                      }) +
                                 "}"});
}

inline void add_sheets(const Copies& copies, std::vector<Leak>& out) {
  std::vector<Cells> rows{headings()}, cards, merged{{"Card", "Naam", "What", "Value", "Pata"}};
  Manner serial;
  serial.date = serial_of;
  std::string merges;
  for (const auto& c : copies) {
    rows.push_back(cells_of(c, serial));
    const Cells v = cells_of(c);
    for (std::size_t k = 0; k < v.size(); ++k) cards.push_back({headings()[k], v[k]});
    cards.push_back({});
    merges += "<mergeCell ref=\"A" + std::to_string(merged.size() + 1) + ":A" +
              std::to_string(merged.size() + 2) + "\"/>";
    merged.push_back({v[1], v[0], "issued", v[4], v[2]});
    merged.push_back({"", "", "expires", v[5], ""});
  }
  out.push_back({"days.xlsx", sheet_of(rows), 0.95, 0.7});
  out.push_back({"cards.xlsx", sheet_of(cards), 0.95, 0.4});
  out.push_back(
      {"merged.xlsx", sheet_of(merged, "<mergeCells count=\"1\">" + merges + "</mergeCells>")});
}

inline void add_pages(const Copies& copies, std::vector<Leak>& out) {
  out.push_back(
      {"tables in a table.html",
       "<html><body><table class=\"layout\"><tr><td>Menu</td></tr>" +
           each(copies,
                [](const Copy& c, std::size_t) {
                  const Cells v = cells_of(c);
                  std::string inner = "<table>";
                  for (std::size_t k = 0; k < v.size(); ++k)
                    inner += "<tr><td><b>" + headings()[k] + "</b></td><td>" + v[k] + "</td></tr>";
                  return "<tr><td>" + inner + "</table></td><td><img src=\"x.png\"></td></tr>";
                }) +
           "</table></body></html>"});
  out.push_back({"divs.html",
                 "<html><body>" +
                     each(copies,
                          [](const Copy& c, std::size_t) {
                            const Cells v = cells_of(c);
                            std::string card = "<div class=\"card\">";
                            for (std::size_t k = 0; k < v.size(); ++k)
                              card += "<div><span>" + headings()[k] + "</span><span>" + v[k] +
                                      "</span></div>";
                            return card + "</div>";
                          }) +
                     "</body></html>",
                 0.95, 0.5});
  out.push_back(
      {"definition lists.html", "<html><body>" + each(copies, [](const Copy& c, std::size_t) {
                                  const Cells v = cells_of(c);
                                  std::string card = "<dl>";
                                  for (std::size_t k = 0; k < v.size(); ++k)
                                    card += "<dt>" + headings()[k] + "</dt><dd>" + v[k] + "</dd>";
                                  return card + "</dl>";
                                }) + "</body></html>"});
  out.push_back({"a table whose rows do not close.html",
                 "<table><tr><th>" + joined(headings(), "<th>") +
                     each(copies,
                          [](const Copy& c, std::size_t) {
                            return "<tr><td>" + joined(cells_of(c), "<td>") + "\n";
                          }) +
                     "</table>",
                 0.95, 0.7});
}

// ---- documents for a printer, and what goes onto a tape ----

/// Line is cells of a printed line, each at its place from the left.
using Line = std::vector<std::pair<int, std::string>>;
/// printed is a PDF of these lines, thirty a page.
inline std::string printed(const std::vector<Line>& lines) {
  constexpr std::size_t kLines = 30;
  const std::size_t pages = (lines.size() + kLines - 1) / kLines;
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string kids;
  for (std::size_t page = 0; page < pages; ++page) {
    std::string content = "BT /F1 8 Tf\n";
    for (std::size_t i = page * kLines; i < std::min(lines.size(), (page + 1) * kLines); ++i)
      for (const auto& [x, text] : lines[i])
        content += "1 0 0 1 " + std::to_string(x) + " " +
                   std::to_string(560 - 16 * static_cast<int>(i % kLines)) + " Tm (" +
                   replaced(replaced(text, "(", "\\("), ")", "\\)") + ") Tj\n";
    content += "ET";
    kids += std::to_string(objects.size() + 1) + " 0 R ";
    objects.push_back("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1000 600] /Contents " +
                      std::to_string(objects.size() + 2) +
                      " 0 R /Resources << /Font << /F1 3 0 R >> >> >>");
    objects.push_back("<< /Length " + std::to_string(content.size()) + " >>\nstream\n" + content +
                      "\nendstream");
  }
  objects[1] = "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(pages) + " >>";
  std::string out = "%PDF-1.4\n", places;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::string place = std::to_string(out.size());
    places += std::string(10 - place.size(), '0') + place + " 00000 n \n";
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::string count = std::to_string(objects.size() + 1), at = std::to_string(out.size());
  return out + "xref\n0 " + count + "\n0000000000 65535 f \n" + places + "trailer << /Size " +
         count + " /Root 1 0 R >>\nstartxref\n" + at + "\n%%EOF\n";
}
/// taped is a tar of these files (POSIX 1003.1, ustar).
inline std::string taped(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out;
  for (const auto& [name, bytes] : files) {
    std::string head(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) {
      head.replace(at, text.size(), text);
    };
    char size[12];
    std::snprintf(size, sizeof size, "%011zo", bytes.size());
    put(0, name);
    put(100, "0000644");
    put(124, size);
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, std::string("ustar\0"
                         "00",
                         8));
    unsigned sum = 0;
    for (const char c : head) sum += static_cast<unsigned char>(c);
    char checksum[8];
    std::snprintf(checksum, sizeof checksum, "%06o", sum);
    put(148, std::string(checksum, 7) + " ");
    out += head + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
  }
  return out + std::string(1024, '\0');
}

inline void add_prints(const Copies& copies, std::vector<Leak>& out) {
  const std::array<int, 6> places = {30, 190, 300, 720, 770, 860};
  std::vector<Line> table(1), cards;
  for (std::size_t k = 0; k < places.size(); ++k) table[0].push_back({places[k], headings()[k]});
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& c : copies) {
    const Cells v = cells_of(c);
    Line line;
    for (std::size_t k = 0; k < v.size(); ++k) {
      line.push_back({places[k], v[k]});
      if (!v[k].empty()) cards.push_back({{40, headings()[k] + ":"}, {160, v[k]}});
    }
    table.push_back(line);
    cards.push_back({});
    files.push_back({"p" + std::to_string(files.size()) + ".txt", labelled(c, "\n", ": ") + "\n"});
  }
  out.push_back({"a printed table.pdf", printed(table), 0.95, 0.6});
  out.push_back({"printed cards.pdf", printed(cards), 0.9, 0.35});
  out.push_back({"a file each.tar", taped(files)});
  out.push_back({"a file each.tar.gz", gzipped(taped(files))});
}

/// leaks_of writes the same copies down in every manner.
inline std::vector<Leak> leaks_of(const Copies& copies) {
  std::vector<Leak> out;
  add_tables(copies, out);
  add_chats(copies, out);
  add_dumps(copies, out);
  add_packed(copies, out);
  add_sheets(copies, out);
  add_pages(copies, out);
  add_prints(copies, out);
  // Where a field is a name in running text, or waits in an object of its own, fewer are read.
  for (Leak& leak : out)
    if (leak.name == "nested.json" || leak.name == "python.txt" || leak.name == "merged.xlsx" ||
        leak.name.ends_with(".xml"))
      leak.coins = 0.15;
  return out;
}

}  // namespace amanat::test::outsider
