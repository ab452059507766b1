#include "storage/postgres_layout.h"

#include <array>
#include <bit>

#include "model/insist.h"

namespace amanat::storage::pg {
namespace {

constexpr std::size_t kKeyMax = 1024;

// Where in a key its place is; a table of length 0 rests in one place whole.
struct Shape {
  std::string_view name;
  std::size_t offset, length;
};
constexpr std::array<Shape, kTables> kShapes = {{
    {"amanat_subjects", 0, 16},  // tag
    {"amanat_records", 2, 8},    // dataset, SLOT, record
    {"amanat_past", 2, 8},       // dataset, SLOT, record, version
    {"amanat_index", 0, 16},     // BLIND TAG, record's key
    {"amanat_imports", 0, 0},
    {"amanat_cases", 0, 0},
    {"amanat_accounts", 0, 0},
    {"amanat_slices", 0, 16},  // keyed NAME of a label, quarter
    {"amanat_spent", 0, 0},
    {"amanat_settings", 0, 0},
    {"amanat_labels", 0, 16},  // tag
}};

const Shape& shape_of(Table table) {
  const auto i = static_cast<std::size_t>(table);
  insist(i < kTables);
  return kShapes[i];
}

std::string_view cut(const Shape& shape, std::string_view key) {
  return key.size() <= shape.offset ? std::string_view() : key.substr(shape.offset, shape.length);
}

Statement on(std::string_view what, std::string_view relation, std::string sql) {
  return {std::string(what) + std::string(relation), std::move(sql)};
}

}  // namespace

std::string_view table_name(Table table) { return shape_of(table).name; }

std::string_view place_of(Table table, std::string_view key) { return cut(shape_of(table), key); }

bool place_of_prefix(Table table, std::string_view prefix, std::string_view& place) {
  const Shape& shape = shape_of(table);
  if (prefix.size() < shape.offset + shape.length) return false;
  place = cut(shape, prefix);
  return true;
}

bool keys_lie_by_place(Table table) { return shape_of(table).offset == 0; }

std::int32_t place_hash(std::string_view place) {
  const auto rot = [](std::uint32_t x, int k) { return std::rotl(x, k); };
  const auto size = static_cast<std::uint32_t>(place.size());
  std::uint32_t a = 0x9e3779b9u + size + 3923095u, b = a, c = a;
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return static_cast<std::uint8_t>(place[i]);
  };
  const auto word = [&](std::size_t i) {
    return byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
  };
  std::size_t at = 0;
  for (; place.size() - at >= 12; at += 12) {
    a += word(at), b += word(at + 4), c += word(at + 8);
    a -= c, a ^= rot(c, 4), c += b;
    b -= a, b ^= rot(a, 6), a += c;
    c -= b, c ^= rot(b, 8), b += a;
    a -= c, a ^= rot(c, 16), c += b;
    b -= a, b ^= rot(a, 19), a += c;
    c -= b, c ^= rot(b, 4), b += a;
  }
  // The lowest byte of c is left out: it stands for the length.
  for (std::size_t i = 0; at + i < place.size(); ++i) {
    const std::uint32_t x = byte(at + i);
    if (i < 4)
      a += x << 8 * i;
    else if (i < 8)
      b += x << 8 * (i - 4);
    else
      c += x << 8 * (i - 7);
  }
  c ^= b, c -= rot(b, 14);
  a ^= c, a -= rot(c, 11);
  b ^= a, b -= rot(a, 25);
  c ^= b, c -= rot(b, 16);
  a ^= c, a -= rot(c, 4);
  b ^= a, b -= rot(a, 14);
  c ^= b, c -= rot(b, 24);
  return static_cast<std::int32_t>(c);
}

Span span_of(Table table, std::string_view prefix, std::string_view from) {
  insist(from.empty() || from.starts_with(prefix));
  Span span;
  span.low = from.empty() ? prefix : from;
  span.high = prefix;
  while (!span.high.empty() && span.high.back() == '\xff') span.high.pop_back();
  if (span.high.empty())
    span.high.assign(kKeyMax + 1, '\xff');  // above every key
  else
    span.high.back() = static_cast<char>(span.high.back() + 1);
  std::string_view place;
  span.one_place = place_of_prefix(table, prefix, place);
  span.place = place;
  span.by_place = !span.one_place && keys_lie_by_place(table);
  return span;
}

Statement create_table(Table table) {
  return {"", "CREATE TABLE IF NOT EXISTS " + std::string(table_name(table)) +
                  " (p bytea NOT NULL, k bytea NOT NULL, v bytea NOT NULL, PRIMARY KEY (p, k))"};
}

Statement get_one(std::string_view relation) {
  return on("get ", relation,
            "SELECT v FROM " + std::string(relation) + " WHERE p = $1 AND k = $2");
}

Statement put_one(std::string_view relation) {
  return on("put ", relation,
            "INSERT INTO " + std::string(relation) +
                " (p, k, v) VALUES ($1, $2, $3) ON CONFLICT (p, k) DO UPDATE SET v = excluded.v");
}

Statement put_many(std::string_view relation) {
  return on("puts ", relation,
            "INSERT INTO " + std::string(relation) +
                " (p, k, v) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[])"
                " ON CONFLICT (p, k) DO UPDATE SET v = excluded.v");
}

Statement erase_one(std::string_view relation) {
  return on("erase ", relation,
            "DELETE FROM " + std::string(relation) + " WHERE p = $1 AND k = $2");
}

Statement erase_many(std::string_view relation) {
  return on("erases ", relation,
            "DELETE FROM " + std::string(relation) +
                " AS t USING unnest($1::bytea[], $2::bytea[]) AS gone (p, k)"
                " WHERE t.p = gone.p AND t.k = gone.k");
}

Statement select_span(std::string_view relation, const Span& span, int limit) {
  std::string sql = "SELECT k, v FROM " + std::string(relation);
  std::string name = "scan ";
  if (span.one_place) {
    sql += " WHERE k >= $1 AND k < $2 AND p = $3 ORDER BY k";
  } else if (span.by_place) {
    sql += " WHERE k >= $1 AND k < $2 AND p >= $3 AND p <= $4 ORDER BY p, k";
    name = "walk ";
  } else {
    sql += " WHERE k >= $1 AND k < $2 ORDER BY k";
    name = "sort ";
  }
  if (limit > 0) sql += " LIMIT " + std::to_string(limit);
  return on(name, relation, std::move(sql));
}

std::vector<std::string_view> bind(const Span& span) {
  std::vector<std::string_view> out = {span.low, span.high};
  if (span.one_place) {
    out.push_back(span.place);
  } else if (span.by_place) {
    out.push_back(std::string_view(span.low).substr(0, 16));
    out.push_back(std::string_view(span.high).substr(0, 16));
  }
  return out;
}

}  // namespace amanat::storage::pg
