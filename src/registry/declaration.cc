#include "registry/declaration.h"

#include <algorithm>

#include "model/insist.h"
#include "net/toml.h"

namespace amanat::registry {
namespace {

struct TypeWord {
  std::string_view word;
  FieldType type;
};
constexpr TypeWord kTypes[] = {{"national_id", FieldType::national_id},
                               {"msisdn", FieldType::msisdn},
                               {"phone", FieldType::phone},
                               {"passport", FieldType::passport},
                               {"name", FieldType::name},
                               {"text", FieldType::text},
                               {"date", FieldType::date},
                               {"datetime", FieldType::datetime},
                               {"enum", FieldType::enumeration},
                               {"number", FieldType::number},
                               {"digits", FieldType::digits}};

const std::vector<std::string> kClasses{"open", "ordinary", "sensitive", "secret_existence"};
const std::vector<std::string> kMasks{"last2", "last4", "first_letter", "year", "city", "prefix5"};
const std::vector<std::string> kGives{"relation", "hops", "relative_of"};
const std::vector<std::string> kReserved{"source", "date"};
constexpr std::size_t kFieldsOfDatasetMax = 128;
constexpr std::size_t kLabelMax = 120;
constexpr std::size_t kValuesMax = 1024;
constexpr std::size_t kSlotsMax = 64;
constexpr std::int64_t kMarkMax = 65535;

bool word_form(std::string_view word) {
  if (word.empty() || word.size() > 64 || word[0] < 'a' || word[0] > 'z') return false;
  return std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

/// Sticky reads one table and remembers the first complaint, so that reading stays a list of keys.
class Sticky {
 public:
  Sticky(const net::Toml& table, const std::string& file)
      : line_(table.line), file_(file), reader_(table, file, Reason::catalog_wrong) {}

  std::string text(std::string_view key) { return keep(reader_.string(key)); }
  std::string text_or(std::string_view key, std::string_view otherwise = {}) {
    return keep(reader_.string_or(key, otherwise));
  }
  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t min,
                       std::int64_t max) {
    return keep(reader_.integer_or(key, otherwise, min, max));
  }
  std::size_t size(std::string_view key, std::size_t otherwise, std::size_t max) {
    return static_cast<std::size_t>(
        integer(key, static_cast<std::int64_t>(otherwise), 0, static_cast<std::int64_t>(max)));
  }
  bool flag(std::string_view key, bool otherwise) {
    return keep(reader_.boolean_or(key, otherwise));
  }
  std::vector<std::string> list(std::string_view key) { return keep(reader_.strings(key)); }
  std::vector<const net::Toml*> tables(std::string_view key) { return keep(reader_.tables(key)); }
  const net::Toml* table(std::string_view key) { return keep(reader_.table(key)); }

  void complain(const std::string& what) {
    if (!failure_)
      failure_ = Failure{Reason::catalog_wrong, file_ + ":" + std::to_string(line_) + ": " + what};
  }
  /// one_of complains unless `word` is on the list, naming the nearest.
  void one_of(std::string_view what, const std::string& word,
              const std::vector<std::string>& words) {
    if (std::find(words.begin(), words.end(), word) != words.end()) return;
    const std::string_view near = nearest_word(word, words);
    complain("unknown " + std::string(what) + " \"" + word + "\"" +
             (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  }
  void take(std::optional<Failure> other) {
    if (!failure_) failure_ = std::move(other);
  }
  /// finish complains of keys nobody asked for, and hands over the first complaint, if any.
  std::optional<Failure> finish() {
    if (!failure_)
      if (auto done = reader_.finish(); !done) failure_ = done.error();
    return std::move(failure_);
  }
  std::uint32_t line() const { return line_; }

 private:
  template <class T>
  T keep(Result<T> read) {
    if (read) return *std::move(read);
    take(read.error());
    return T{};
  }
  std::uint32_t line_;
  std::string file_;
  net::TomlReader reader_;
  std::optional<Failure> failure_;
};

FieldType read_type(Sticky& table) {
  const std::string word = table.text("type");
  std::vector<std::string> words;
  for (const auto& t : kTypes) {
    if (t.word == word) return t.type;
    words.emplace_back(t.word);
  }
  if (!word.empty()) table.one_of("type", word, words);
  return FieldType::text;
}

/// read_values reads an enum's words: "M = Male" keeps M and takes Male for it.
void read_values(Sticky& table, Field& field) {
  const auto lines = table.list("values");
  if (field.type != FieldType::enumeration) {
    if (!lines.empty()) table.complain("`values` belongs to type \"enum\"");
    return;
  }
  if (lines.empty() || lines.size() > kValuesMax)
    table.complain("an enum needs `values`, at most 1024");
  for (const auto& line : lines) {
    const std::size_t index = field.values.size();
    std::size_t from = 0;
    while (from <= line.size()) {
      const std::size_t to = std::min(line.find('=', from), line.size());
      const std::string spelling = trimmed(std::string_view(line).substr(from, to - from));
      if (spelling.empty()) table.complain("an empty word in `values`");
      if (from == 0) field.values.push_back(spelling);
      const std::string key = lower(spelling);
      if (std::any_of(field.spellings.begin(), field.spellings.end(),
                      [&](const auto& s) { return s.first == key; })) {
        if (from == 0 || field.spellings.back().second != index)
          table.complain("\"" + spelling + "\" stands twice in `values`");
      } else {
        field.spellings.emplace_back(key, index);
      }
      from = to + 1;
    }
  }
}

void read_bounds(Sticky& table, Field& field) {
  field.min = table.integer("min", 0, INT64_MIN / 2, INT64_MAX / 2);
  if (field.type == FieldType::number) {
    field.max_number = table.integer("max", INT64_MAX / 2, INT64_MIN / 2, INT64_MAX / 2);
    if (field.min > field.max_number) table.complain("`min` is above `max`");
  } else {
    if (field.min != 0) table.complain("`min` belongs to type \"number\"");
    field.length_max = table.size("max", 256, 1 << 16);
  }
  field.digits_min = table.size("min_digits", 1, 64);
  field.digits_max = table.size("max_digits", 64, 64);
  if (field.digits_min > field.digits_max) table.complain("`min_digits` is above `max_digits`");
}

void check_formats(Sticky& table, const std::vector<std::string>& formats) {
  for (const auto& format : formats)
    for (const std::string_view part : {"YYYY", "DD", "M"})
      if (format.find(part) == std::string::npos)
        table.complain("date format \"" + format + "\" lacks " + std::string(part) +
                       " (YYYY, MM or MON, DD, hh, mm, ss)");
}

/// read_labels reads what people call a field or dataset: `label`, `label_ur`.
void read_labels(Sticky& table, std::string& english, std::string& urdu) {
  english = table.text_or("label");
  urdu = table.text_or("label_ur");
  for (const auto* text : {&english, &urdu})
    if (text->size() > kLabelMax || text->find('\n') != std::string::npos)
      table.complain("a label is one line of at most 120 bytes");
}

std::optional<Failure> read_field(const net::Toml& toml, const std::string& file, Declared& into) {
  Sticky table(toml, file);
  Field field;
  FieldInfo info;
  field.name = table.text("name");
  field.id = into.dataset.name + "." + field.name;
  if (!word_form(field.name)) table.complain("a field's name is small letters, digits and _");
  if (std::find(kReserved.begin(), kReserved.end(), field.name) != kReserved.end())
    table.complain("the name \"" + field.name + "\" is reserved: answers use it");
  if (into.dataset.find(field.name)) table.complain("field \"" + field.name + "\" stands twice");
  field.type = read_type(table);
  for (const auto& column : table.list("column")) {
    if (field.columns.empty()) field.asked_as = trimmed(column);
    field.columns.push_back(lower(trimmed(column)));
  }
  const std::string sensitivity = table.text_or("class", "ordinary");
  table.one_of("class", sensitivity, kClasses);
  field.required = table.flag("required", false);
  read_labels(table, field.label, field.label_ur);
  info.masks = table.list("masks");
  for (const auto& mask : info.masks) table.one_of("mask", mask, kMasks);
  field.search = table.text_or("search");
  field.narrow = table.text_or("narrow");
  field.link = table.text_or("link");
  field.reverse = table.text_or("reverse");
  for (const auto* word : {&field.search, &field.narrow, &field.link, &field.reverse})
    if (!word->empty() && !word_form(*word))
      table.complain("\"" + *word + "\" is no word: small letters, digits and _");
  if (!field.reverse.empty() && field.link.empty()) table.complain("`reverse` needs a `link`");
  const std::string trait = table.text_or("trait");
  field.trait = trait == "sex"       ? Trait::sex
                : trait == "birth"   ? Trait::birth
                : trait == "address" ? Trait::address
                                     : Trait::none;
  if (!trait.empty() && field.trait == Trait::none)
    table.complain("`trait` is sex, birth or address");
  field.explains = table.flag("explains", false);
  if (field.explains && field.link.empty()) table.complain("`explains` needs a `link`");
  const bool names_subject = field.type == FieldType::national_id ||
                             field.type == FieldType::msisdn || field.type == FieldType::phone ||
                             field.type == FieldType::passport;
  if (!field.link.empty() && !names_subject)
    table.complain(
        "`link` needs a type that names a subject: national_id, msisdn, phone, passport");
  const std::string split = table.text_or("split");
  if (split.size() > 1 || split == "\"" || split == ",") table.complain("`split` is one character");
  if (split.size() == 1) field.split = split[0];
  const std::string other = table.text_or("or");
  if (!other.empty() && (other != "passport" || field.type != FieldType::national_id))
    table.complain("`or` takes \"passport\", on type national_id");
  field.or_passport = !other.empty();
  field.formats = table.list("formats");
  check_formats(table, field.formats);
  read_values(table, field);
  read_bounds(table, field);
  if (const std::string gives = table.text_or("gives"); !gives.empty()) {
    table.one_of("value for `gives`", gives, kGives);
    field.gives = gives == "hops"       ? Gives::hops
                  : gives == "relation" ? Gives::relation
                                        : Gives::relative_of;
  }
  if (into.dataset.tree != (field.gives != Gives::nothing))
    table.complain("`gives` belongs to the fields of a derived dataset, and to all of them");
  into.marks.push_back(static_cast<std::uint16_t>(table.integer("mark", 0, 1, kMarkMax)));
  info.id = field.id;
  info.name = field.name;
  info.sensitivity = static_cast<Sensitivity>(
      std::find(kClasses.begin(), kClasses.end(), sensitivity) - kClasses.begin());
  into.dataset.fields.push_back(std::move(field));
  into.infos.push_back(std::move(info));
  return table.finish();
}

/// place finds the field a key names, complaining with the nearest name.
std::optional<std::size_t> place(Sticky& table, const Dataset& dataset, std::string_view key,
                                 const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (const auto at = dataset.find(name)) return at;
  std::vector<std::string> names;
  for (const auto& f : dataset.fields) names.push_back(f.name);
  table.one_of("field in `" + std::string(key) + "`:", name, names);
  return std::nullopt;
}

void read_mirror(Sticky& table, const std::string& file, Dataset& dataset) {
  const net::Toml* toml = table.table("mirror");
  if (toml == nullptr) return;
  Sticky inner(*toml, file);
  const auto swap = inner.list("swap");
  const std::string side = inner.text("side");
  const auto values = inner.list("values");
  Mirror mirror;
  if (swap.size() == 2 && values.size() == 2) {
    const auto a = place(inner, dataset, "swap", swap[0]);
    const auto b = place(inner, dataset, "swap", swap[1]);
    const auto s = place(inner, dataset, "side", side);
    if (a && b && s) {
      mirror = Mirror{{*a, *b}, *s, {values[0], values[1]}};
      const auto& field = dataset.fields[*s];
      for (const auto& v : values) inner.one_of("value of the `side`", v, field.values);
      if (!field.columns.empty()) inner.complain("the `side` of a mirror has no column");
      if (dataset.fields[*a].type != dataset.fields[*b].type)
        inner.complain("`swap` needs one type");
      dataset.mirror = mirror;
    }
  } else {
    inner.complain("`swap` and `values` take two words each");
  }
  table.take(inner.finish());
}

/// read_slots reads where answers leave room for a coin. The kinds are disclosure's to know.
void read_slots(Sticky& table, const std::string& file, Declared& into) {
  const auto slots = table.tables("slot");
  if (slots.size() > kSlotsMax) return table.complain("more than 64 [[dataset.slot]]");
  for (const net::Toml* toml : slots) {
    Sticky inner(*toml, file);
    DeclaredSlot slot;
    slot.kind = inner.text("kind");
    slot.number = static_cast<unsigned>(inner.integer("number", 0, 0, 255));
    slot.field = inner.text_or("field");
    slot.anchor = inner.text_or("anchor");
    slot.members = inner.list("members");
    slot.line = inner.line();
    if (!word_form(slot.kind)) inner.complain("`kind` is a word of docs/marks.md");
    for (const auto& weight : inner.list("weights")) {
      const bool digits = !weight.empty() && weight.size() < 6 &&
                          weight.find_first_not_of("0123456789") == std::string::npos;
      if (!digits) inner.complain("`weights` are numbers in quotes, such as [\"3\", \"1\"]");
      slot.weights.push_back(digits ? static_cast<std::uint32_t>(std::stoul(weight)) : 0);
    }
    std::vector<std::string> named = slot.members;
    if (!slot.field.empty()) named.push_back(slot.field);
    if (!slot.anchor.empty()) named.push_back(slot.anchor);
    for (const auto& name : named)
      if (const auto at = place(inner, into.dataset, "slot", name); at && into.marks[*at] == 0)
        inner.complain("field \"" + name + "\" needs a `mark`: its number for ever");
    if (slot.field.empty() && into.mark == 0)
      inner.complain("the dataset needs a `mark`: its number for ever");
    if (slot.field.empty() == slot.members.empty())
      inner.complain("a slot has either a `field` or `members`");
    table.take(inner.finish());
    into.slots.push_back(std::move(slot));
  }
}

/// read_ask reads [dataset.ask]: how a department is asked for the dataset it keeps itself.
void read_ask(Sticky& table, const std::string& file, Dataset& d) {
  const std::string url = table.text_or("live");
  const net::Toml* toml = table.table("ask");
  if (url.empty()) {
    if (toml != nullptr) table.complain("[dataset.ask] belongs to a dataset with `live`");
    return;
  }
  Live live;
  if (const auto wrong = live_from(url, live)) return table.complain(*wrong);
  if (toml == nullptr) return table.complain("`live` needs a [dataset.ask]: docs/live-registries.md");
  Sticky ask(*toml, file);
  live.plain = ask.flag("plain", false);
  live.ca = ask.text_or("ca");
  live.certificate = ask.text_or("certificate");
  live.key = ask.text_or("key");
  live.secret = ask.text_or("secret");
  live.form = ask.text_or("form");
  live.connect_ms = static_cast<unsigned>(ask.integer("connect_ms", 1'000, 50, 10'000));
  live.total_ms = static_cast<unsigned>(ask.integer("total_ms", 3'000, 100, 30'000));
  live.rows_max = static_cast<std::size_t>(ask.integer("rows", 100, 1, 10'000));
  live.bytes_max = static_cast<std::size_t>(ask.integer("bytes", 1 << 20, 1'024, 16 << 20));
  if (live.rest) {
    live.body = ask.text("body");
    live.rows = ask.text_or("records");
  } else {
    live.schema = ask.text_or("schema");
    live.table = ask.text("table");
    live.id_column = ask.text_or("id_column");
    if (live.id_column.empty() && d.subject) live.id_column = d.fields[*d.subject].asked_as;
  }
  d.live = std::move(live);
  if (const auto wrong = unfit_for_live(d)) ask.complain(*wrong);
  table.take(ask.finish());
}

void check_shape(Sticky& table, Dataset& d) {
  for (const auto& f : d.fields) {
    const bool side = d.mirror && &f == &d.fields[d.mirror->side];
    if (f.columns.empty() && !d.tree && !side)
      table.complain("field \"" + f.name + "\" has no `column`");
    if (!d.tree && f.split != '\0' && f.required && d.keep)
      table.complain("field \"" + f.name + "\": a list cannot be required");
  }
  if (d.tree) {
    if (d.subject || !d.key.empty() || d.mirror || !d.keep)
      table.complain("a derived dataset has neither subject, key nor mirror");
    return;
  }
  if (d.key.empty()) table.complain("`key` is missing");
  if (!d.keep) {
    if (d.mirror || d.subject)
      table.complain("rows that are not kept have neither subject nor mirror");
    return;
  }
  if (!d.subject) return table.complain("`subject` is missing");
  const Field& subject = d.fields[*d.subject];
  if (subject.type != FieldType::national_id && subject.type != FieldType::passport &&
      !d.about_numbers())
    table.complain("the subject's type must be national_id, passport, msisdn or phone");
  if (!subject.required && !d.unidentified)
    table.complain("the subject must be `required`, or the dataset `unidentified`");
  if (d.one && (d.key.size() != 1 || d.key[0] != *d.subject))
    table.complain("`one = true` needs the subject as key");
  for (const auto k : d.key)
    if (d.fields[k].split != '\0' && k != *d.subject) table.complain("a key cannot be a list");
}

std::optional<Failure> read_dataset(const net::Toml& toml, const std::string& file,
                                    const std::string& registry, const std::string& department,
                                    std::vector<Declared>& out) {
  Sticky table(toml, file);
  Declared one;
  Dataset& d = one.dataset;
  const std::string name = table.text("name");
  if (!word_form(name)) table.complain("a dataset's name is small letters, digits and _");
  d.name = registry + "." + name;
  d.file = file;
  d.line = table.line();
  d.says = table.text_or("says");
  read_labels(table, d.label, d.label_ur);
  d.department = table.text_or("department", department);
  if (d.department.empty())
    table.complain("`department` is missing, here or at the top of the file");
  d.keep = table.flag("keep", true);
  d.one = table.flag("one", false);
  d.unidentified = table.flag("unidentified", false);
  one.held_by = table.text_or("held_by");
  const std::string derived = table.text_or("derived");
  if (!derived.empty()) table.one_of("derived dataset", derived, {"tree"});
  d.tree = !derived.empty();
  d.tree_links = table.list("links");
  if (d.tree == d.tree_links.empty())
    table.complain("`links` and derived = \"tree\" belong together");
  const std::string subject = table.text_or("subject");
  const auto key = table.list("key");
  const std::string latest_by = table.text_or("latest_by");
  const auto window = table.list("window");
  const auto fields = table.tables("field");
  if (fields.empty() || fields.size() > kFieldsOfDatasetMax)
    table.complain("a dataset has 1 to 128 [[dataset.field]]");
  for (const auto* field : fields)
    if (auto failure = read_field(*field, file, one)) return failure;
  d.subject = place(table, d, "subject", subject);
  for (const auto& k : key)
    if (const auto at = place(table, d, "key", k)) d.key.push_back(*at);
  d.latest_by = place(table, d, "latest_by", latest_by);
  if (window.size() > 2) table.complain("`window` takes one or two fields");
  if (!window.empty()) d.window_from = place(table, d, "window", window[0]);
  if (window.size() > 1) d.window_to = place(table, d, "window", window[1]);
  for (const auto w : {d.window_from, d.window_to, d.latest_by})
    if (w && d.fields[*w].type != FieldType::date && d.fields[*w].type != FieldType::datetime)
      table.complain("`window` and `latest_by` need a date or datetime");
  read_mirror(table, file, d);
  one.mark = static_cast<std::uint16_t>(table.integer("mark", 0, 1, kMarkMax));
  read_slots(table, file, one);
  read_ask(table, file, d);
  check_shape(table, d);
  if (auto failure = table.finish()) return failure;
  out.push_back(std::move(one));
  return std::nullopt;
}

void read_phone(Sticky& rules, const std::string& file, Rules& out) {
  const net::Toml* toml = rules.table("phone");
  if (toml == nullptr) return rules.complain("[rules.phone] is missing");
  Sticky t(*toml, file);
  auto& p = out.phone;
  p.country = t.text("country");
  p.trunk = t.text_or("trunk");
  p.international = t.text_or("international", "00");
  p.mobile = t.list("mobile");
  p.mobile_length = t.size("mobile_length", 10, 14);
  p.fixed = t.list("fixed");
  p.fixed_length_min = t.size("fixed_length_min", 8, 14);
  p.fixed_length_max = t.size("fixed_length_max", 10, 14);
  p.short_length_min = t.size("short_length_min", 0, 8);
  p.short_length_max = t.size("short_length_max", 0, 8);
  p.separators = t.text_or("separators", "-");
  if (p.country.empty() || p.country.size() > 3) t.complain("`country` is 1 to 3 digits (E.164)");
  rules.take(t.finish());
}

void read_identifiers(Sticky& rules, const std::string& file, Rules& out) {
  if (const net::Toml* toml = rules.table("national_id")) {
    Sticky t(*toml, file);
    out.national_id.length = t.size("length", 13, 32);
    out.national_id.first = t.text_or("first", "0123456789");
    out.national_id.separators = t.text_or("separators", "-");
    rules.take(t.finish());
  } else {
    rules.complain("[rules.national_id] is missing");
  }
  if (const net::Toml* toml = rules.table("passport")) {
    Sticky t(*toml, file);
    out.passport.letters_min = t.size("letters_min", 1, 8);
    out.passport.letters_max = t.size("letters_max", 2, 8);
    out.passport.digits_min = t.size("digits_min", 6, 16);
    out.passport.digits_max = t.size("digits_max", 8, 16);
    rules.take(t.finish());
  }
}

/// read_ranges reads "from-to", two runs of digits of one length.
std::vector<Rules::Range> read_ranges(Sticky& t, std::string_view name) {
  std::vector<Rules::Range> out;
  for (const std::string& text : t.list(name)) {
    const std::size_t dash = text.find('-');
    Rules::Range range{text.substr(0, dash),
                       dash == std::string::npos ? std::string() : text.substr(dash + 1)};
    if (range.from.empty() || range.from.size() != range.to.size() || range.from > range.to ||
        (range.from + range.to).find_first_not_of("0123456789") != std::string::npos)
      t.complain(std::string(name) + ": \"" + text + "\" is not from-to, digits of one length");
    out.push_back(std::move(range));
  }
  return out;
}

std::optional<Failure> read_rules(const net::Toml& toml, const std::string& file, Rules& out) {
  Sticky rules(toml, file);
  read_identifiers(rules, file, out);
  read_phone(rules, file, out);
  if (const net::Toml* dates = rules.table("dates")) {
    Sticky t(*dates, file);
    out.dates = t.list("date");
    out.datetimes = t.list("datetime");
    out.first_year = static_cast<int>(t.integer("first_year", 1850, 1, 9999));
    out.last_year = static_cast<int>(t.integer("last_year", 2150, 1, 9999));
    check_formats(t, out.dates);
    check_formats(t, out.datetimes);
    rules.take(t.finish());
  } else {
    rules.complain("[rules.dates] is missing");
  }
  out.marks_version =
      static_cast<unsigned>(rules.integer("marks_version", 0, 1, kMarkMax));
  if (const net::Toml* text = rules.table("text")) {
    Sticky t(*text, file);
    for (const auto& word : t.list("absent")) out.absent.push_back(lower(word));
    rules.take(t.finish());
  }
  for (const net::Toml* one : rules.tables("department")) {
    Sticky t(*one, file);
    Rules::Department department{t.text("id"), {}, {}};
    read_labels(t, department.label, department.label_ur);
    if (department.label.empty()) t.complain("a department needs a `label`");
    for (const auto& other : out.departments)
      if (other.id == department.id) t.complain("department \"" + other.id + "\" stands twice");
    out.departments.push_back(std::move(department));
    rules.take(t.finish());
  }
  if (const net::Toml* reserved = rules.table("reserved")) {
    Sticky t(*reserved, file);
    out.reserved_ids = read_ranges(t, "national_id");
    out.reserved_numbers = read_ranges(t, "mobile");
    rules.take(t.finish());
  }
  return rules.finish();
}

}  // namespace

std::string_view type_word(FieldType type) {
  for (const auto& t : kTypes)
    if (t.type == type) return t.word;
  insist(false);  // every type has its word in kTypes
  return {};
}

Result<void> read_declarations(std::string_view text, const std::string& file,
                               std::vector<Declared>& out, std::optional<Rules>& rules) {
  auto toml = net::parse_toml(text, file);
  if (!toml) return fail(Reason::catalog_wrong, toml.error().detail);
  insist(toml->table() != nullptr);
  Sticky top(*toml, file);
  if (const net::Toml* table = top.table("rules")) {
    if (rules) top.complain("[rules] stands in two files");
    rules.emplace();
    top.take(read_rules(*table, file, *rules));
  }
  const auto datasets = top.tables("dataset");
  const std::string registry = top.text_or("registry");
  const std::string department = top.text_or("department");
  top.text_or("says");
  if (!datasets.empty() && !word_form(registry))
    top.complain("`registry` is missing, or no word of small letters, digits and _");
  if (auto failure = top.finish()) return std::unexpected(*failure);
  for (const auto* dataset : datasets)
    if (auto failure = read_dataset(*dataset, file, registry, department, out))
      return std::unexpected(*failure);
  return {};
}

}  // namespace amanat::registry
