#pragma once
// registry, dataset: one declaration of the catalog, checked and resolved. Plain values, made by
// catalog.cc, immutable afterwards. For this room only.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/field.h"
#include "model/ids.h"

namespace amanat::registry {

/// FieldType says how a cell is read and normalised.
enum class FieldType : std::uint8_t {
  national_id,
  msisdn,
  phone,
  passport,
  name,
  text,
  date,
  datetime,
  enumeration,
  number,
  digits
};

/// Gives says which value of a family tree a derived field carries.
enum class Gives : std::uint8_t { nothing, relation, hops, relative_of };

/// Trait says what a field tells of a citizen for comparisons between officers.
enum class Trait : std::uint8_t { none, sex, birth, address };

/// Rules are the country's forms of numbers and dates, from the catalog's one [rules] file.
struct Rules {
  struct {
    std::size_t length = 13;
    std::string first = "123456789";
    std::string separators = "-";
  } national_id;
  struct {
    std::string country, trunk, international;
    std::vector<std::string> mobile, fixed;
    std::size_t mobile_length = 10;
    std::size_t fixed_length_min = 8, fixed_length_max = 10;
    std::size_t short_length_min = 2, short_length_max = 5;
    std::string separators = "-";
  } phone;
  struct {
    std::size_t letters_min = 1, letters_max = 2, digits_min = 6, digits_max = 8;
  } passport;
  std::vector<std::string> dates, datetimes;  // patterns of YYYY MM MON DD hh mm ss
  int first_year = 1850, last_year = 2150;
  // Where numbers of invented citizens are drawn from: [from, to], digits of one length.
  struct Range {
    std::string from, to;
    bool holds(std::string_view digits) const {
      return digits.size() == from.size() && digits >= from && digits <= to;
    }
  };
  std::vector<Range> reserved_ids, reserved_numbers;
  struct Department {
    std::string id, label, label_ur;
  };
  std::vector<Department> departments;  // what people call them
  std::vector<std::string> absent;      // in lower case
  unsigned marks_version = 0;       // of the slot catalogue; 0: no slots
};

/// Field is one declared column.
struct Field {
  std::string name, id;              // short; registry.dataset.field
  std::string label, label_ur;       // what people call it
  std::vector<std::string> columns;  // in lower case
  std::string asked_as;              // the first of them as it was written, for a live dataset
  FieldType type = FieldType::text;
  std::optional<FieldId> table_id;  // in the FieldTable; none in `keep = false` datasets
  bool required = false;
  std::string search, narrow;  // words of a question; empty: none
  std::string link, reverse;   // what the value is to the subject, and back
  bool explains = false;       // following the link from whom a case names explains a lookup
  char split = '\0';
  bool or_passport = false;
  std::vector<std::string> formats;  // own date patterns; empty: the rules'
  std::vector<std::pair<std::string, std::size_t>> spellings;  // lower case -> index in values
  std::vector<std::string> values;                             // of an enum
  std::int64_t min = 0, max_number = INT64_MAX;
  std::size_t length_max = 256;  // bytes, normalised
  std::size_t digits_min = 1, digits_max = 64;
  Gives gives = Gives::nothing;
  Trait trait = Trait::none;

  bool indexed() const { return !search.empty() || !reverse.empty(); }
};

/// Mirror says that a row is kept twice, once for each of two parties.
struct Mirror {
  std::array<std::size_t, 2> swap{};
  std::size_t side = 0;  // the field that says whose copy it is
  std::array<std::string, 2> values;
};

/// FieldPlace names a field of a dataset.
struct FieldPlace {
  DatasetId dataset{};
  std::size_t field = 0;
};

/// Live says where a department keeps a dataset itself, and how it is asked there.
struct Live {
  bool rest = false;   // an HTTPS interface; else PostgreSQL
  bool plain = false;  // without TLS: loopback alone
  std::string host, port;
  std::string user, database;      // PostgreSQL
  std::string schema, table;       // empty schema: the role's own search path
  std::string id_column;           // what the ID is compared with
  std::string path, body, rows;    // REST: where to, what is sent, the member that lists the records
  std::string form;                // how the department writes an ID: a 0 stands for a digit
  std::string ca, certificate, key, secret;  // files; secret: a password or a bearer token
  unsigned connect_ms = 1'000, total_ms = 3'000;
  std::size_t rows_max = 100, bytes_max = 1 << 20;

  std::string where() const { return host + (port.empty() ? "" : ":" + port); }
};

struct Dataset {
  std::string name, says, department;  // name is registry.dataset
  std::string label, label_ur;         // what people call one record of it
  DatasetId id{};
  std::vector<Field> fields;
  bool keep = true;   // false: rows are read, never kept
  bool one = false;   // one record a subject: a point read
  bool tree = false;  // derived: the family tree
  std::vector<std::string> tree_links;
  std::optional<std::size_t> subject;  // the field that names whose record it is
  bool unidentified = false;           // the subject may be missing
  std::vector<std::size_t> key;
  std::optional<Mirror> mirror;
  std::optional<FieldPlace> held_by;     // which citizen holds the number this is about
  std::optional<std::size_t> latest_by;  // of several holders, who is the current one
  std::optional<std::size_t> window_from, window_to;
  std::optional<Live> live;  // it stays with its department
  std::string file;  // where it is declared, for messages
  std::uint32_t line = 0;

  bool about_numbers() const {
    return subject && (fields[*subject].type == FieldType::msisdn ||
                       fields[*subject].type == FieldType::phone);
  }
  std::optional<std::size_t> find(std::string_view field) const {
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (fields[i].name == field) return i;
    return std::nullopt;
  }
  std::optional<std::size_t> find(FieldId id_in_table) const {
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (fields[i].table_id == id_in_table) return i;
    return std::nullopt;
  }
};

/// type_word is the catalog's word for a type.
std::string_view type_word(FieldType type);

}  // namespace amanat::registry
