#include "registry/catalog.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "model/insist.h"
#include "registry/dataset.h"
#include "registry/declaration.h"
#include "registry/normalise.h"
#include "storage/file.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::size_t kDatasetsMax = 256;

/// place_files makes the files of a live dataset paths: relative ones lie in the exchange's home,
/// which holds the catalog's directory.
void place_files(Live& live, const std::string& directory) {
  const auto home =
      std::filesystem::path(directory + "/").lexically_normal().parent_path().parent_path();
  for (std::string* file : {&live.ca, &live.certificate, &live.key, &live.secret})
    if (!file->empty() && !file->starts_with('/')) *file = (home / *file).string();
}

std::unexpected<Failure> wrong(const Dataset& d, const std::string& what) {
  return fail(Reason::catalog_wrong, d.file + ":" + std::to_string(d.line) + ": " + what);
}

std::string or_nearest(std::string_view word, const std::vector<std::string>& words) {
  const std::string_view near = nearest_word(word, words);
  return near.empty() ? std::string() : "; did you mean \"" + std::string(near) + "\"";
}

/// held_by names a field of another file, so it is resolved when all files are read.
Result<void> resolve_held_by(std::vector<Dataset>& datasets,
                             const std::vector<Declared>& declared) {
  std::vector<std::string> ids;
  for (const auto& d : datasets)
    for (const auto& f : d.fields) ids.push_back(f.id);
  for (const auto& one : declared) {
    if (one.held_by.empty()) continue;
    const auto own = std::find_if(datasets.begin(), datasets.end(),
                                  [&](const Dataset& d) { return d.name == one.dataset.name; });
    insist(own != datasets.end());
    for (const auto& d : datasets)
      for (std::size_t i = 0; i < d.fields.size(); ++i)
        if (d.fields[i].id == one.held_by) own->held_by = FieldPlace{d.id, i};
    if (!own->held_by)
      return wrong(
          *own, "held_by names no field: \"" + one.held_by + "\"" + or_nearest(one.held_by, ids));
    const Dataset& holders = datasets[number(own->held_by->dataset)];
    const Field& field = holders.fields[own->held_by->field];
    if (!own->about_numbers())
      return wrong(*own, "held_by needs a subject of type msisdn or phone");
    if (field.search.empty() || field.type != FieldType::msisdn || !holders.latest_by)
      return wrong(
          *own,
          "held_by needs a field of type msisdn with `search`, in a dataset with `latest_by`");
  }
  return {};
}

Result<void> check_tree(const std::vector<Dataset>& datasets) {
  std::vector<std::string> links;
  for (const auto& d : datasets)
    for (const auto& f : d.fields)
      if (!f.link.empty() && !f.reverse.empty() && d.one) links.push_back(f.link);
  std::size_t trees = 0;
  for (const auto& d : datasets) {
    if (!d.tree) continue;
    if (++trees > 1) return wrong(d, "a second derived tree: one is enough");
    for (const auto& link : d.tree_links)
      if (std::find(links.begin(), links.end(), link) == links.end())
        return wrong(d, "no field of a dataset with `one = true` declares link = \"" + link +
                            "\" and a reverse" + or_nearest(link, links));
  }
  return {};
}

}  // namespace

struct Catalog::State {
  std::vector<Dataset> datasets;  // [i] is DatasetId i, ascending by name
  Rules rules;
  std::string slots;
  FieldTable table;
  std::vector<std::string> search_words, narrowing_words;

  void number_fields() {
    std::vector<FieldInfo> infos;
    std::vector<std::string> names;
    for (const auto& d : datasets) names.push_back(d.name);
    for (auto& one : pending) infos.push_back(std::move(one));
    table = FieldTable(std::move(infos), std::move(names));
    for (auto& d : datasets)
      for (auto& f : d.fields)
        if (d.keep) f.table_id = table.find(f.id);
  }
  void collect_words() {
    std::set<std::string> search, narrow;
    for (const auto& d : datasets) {
      if (!d.keep) continue;
      if (d.subject) {
        const Field& f = d.fields[*d.subject];
        search.insert(d.about_numbers() ? "msisdn" : "national_id");
        if (f.or_passport || f.type == FieldType::passport) search.insert("passport");
      }
      for (const auto& f : d.fields) {
        if (!f.search.empty()) search.insert(f.search);
        if (!f.narrow.empty()) narrow.insert(f.narrow);
      }
    }
    search_words.assign(search.begin(), search.end());
    narrowing_words.assign(narrow.begin(), narrow.end());
  }
  std::vector<FieldInfo> pending;
};

Catalog::Catalog(std::unique_ptr<State> state) : state_(std::move(state)) {}
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog::~Catalog() = default;

Result<Catalog> Catalog::load(const std::string& directory) {
  auto names = storage::system_disk().list(directory);
  if (!names) return fail(Reason::catalog_wrong, directory + ": cannot be read");
  std::vector<Declared> declared;
  std::optional<Rules> rules;
  for (const auto& name : *names) {
    if (!name.ends_with(".toml")) continue;
    auto text = storage::read_file(directory + "/" + name, kFileBytesMax);
    if (!text) return fail(Reason::catalog_wrong, name + ": cannot be read, or over 1 MiB");
    if (auto read = read_declarations(*text, name, declared, rules); !read)
      return std::unexpected(read.error());
  }
  if (!rules) return fail(Reason::catalog_wrong, directory + ": no file has [rules]");
  if (declared.empty()) return fail(Reason::catalog_wrong, directory + ": no [[dataset]] in it");
  if (declared.size() > kDatasetsMax) return fail(Reason::catalog_wrong, "more than 256 datasets");

  std::sort(declared.begin(), declared.end(),
            [](const Declared& a, const Declared& b) { return a.dataset.name < b.dataset.name; });
  auto slots = slots_text(declared, *rules);
  if (!slots) return std::unexpected(slots.error());
  auto state = std::make_unique<State>();
  state->slots = *std::move(slots);
  state->rules = std::move(*rules);
  for (auto& one : declared) {
    if (!state->datasets.empty() && state->datasets.back().name == one.dataset.name)
      return wrong(one.dataset, "dataset \"" + one.dataset.name + "\" is declared twice");
    Dataset d = one.dataset;
    d.id = DatasetId{static_cast<std::uint16_t>(state->datasets.size())};
    if (d.live) place_files(*d.live, directory);
    for (auto& info : one.infos) {
      info.dataset = d.id;
      if (d.keep) state->pending.push_back(info);
    }
    state->datasets.push_back(std::move(d));
  }
  if (state->pending.size() > kFieldsMax)
    return fail(Reason::catalog_wrong, "more than " + std::to_string(kFieldsMax) + " fields");
  if (auto ok = resolve_held_by(state->datasets, declared); !ok) return std::unexpected(ok.error());
  if (auto ok = check_tree(state->datasets); !ok) return std::unexpected(ok.error());
  state->number_fields();
  state->collect_words();
  return Catalog(std::move(state));
}

const FieldTable& Catalog::fields() const { return state_->table; }
const std::vector<Dataset>& Catalog::datasets() const { return state_->datasets; }
const Rules& Catalog::rules() const { return state_->rules; }
const std::string& Catalog::slots() const { return state_->slots; }
std::optional<std::string> Catalog::mobile_number(std::string_view typed) const {
  Field field;
  field.type = FieldType::phone;
  std::string out;
  SubjectKind kind = SubjectKind::msisdn;
  if (typed.size() > 64 || normalise(state_->rules, field, trim(typed), out, kind))
    return std::nullopt;
  const auto& phone = state_->rules.phone;
  const std::string country = "+" + phone.country;
  if (!out.starts_with(country)) return std::nullopt;
  const std::string_view inside = std::string_view(out).substr(country.size());
  const bool mobile = std::any_of(phone.mobile.begin(), phone.mobile.end(),
                                  [&](const std::string& m) { return inside.starts_with(m); });
  if (!mobile || inside.size() != phone.mobile_length) return std::nullopt;
  return out.substr(1);
}
const std::vector<std::string>& Catalog::search_words() const { return state_->search_words; }
const std::vector<std::string>& Catalog::narrowing_words() const { return state_->narrowing_words; }

std::vector<std::string> Catalog::dataset_names() const {
  std::vector<std::string> names;
  for (const auto& d : state_->datasets) names.push_back(d.name);
  return names;
}

const Dataset* Catalog::dataset(std::string_view name) const {
  for (const auto& d : state_->datasets)
    if (d.name == name) return &d;
  return nullptr;
}

const Dataset& Catalog::dataset(DatasetId id) const {
  insist(number(id) < state_->datasets.size());
  return state_->datasets[number(id)];
}

namespace {

const std::string& said(const Field& field, Catalog::Tongue tongue) {
  if (tongue == Catalog::Tongue::urdu && !field.label_ur.empty()) return field.label_ur;
  return field.label.empty() ? field.name : field.label;
}

}  // namespace

std::string Catalog::field_label(FieldId id, Tongue tongue) const {
  const Dataset& own = dataset(fields()[id].dataset);
  const auto at = own.find(id);
  if (!at) return fields()[id].id;
  const std::string& label = said(own.fields[*at], tongue);
  std::size_t same = 0;
  for (const Dataset& d : datasets())
    for (const Field& field : d.fields)
      same += field.table_id && said(field, tongue) == label ? 1 : 0;
  return same == 1 ? label : label + " (" + fields()[id].id + ")";
}

const std::string* Catalog::label_of(std::string_view name, Tongue tongue) const {
  const Dataset* d = dataset(name);
  if (d == nullptr) return nullptr;
  if (tongue == Tongue::urdu && !d->label_ur.empty()) return &d->label_ur;
  return d->label.empty() ? &d->name : &d->label;
}

std::string Catalog::department_label(std::string_view id, Tongue tongue) const {
  for (const auto& one : rules().departments)
    if (one.id == id)
      return tongue == Tongue::urdu && !one.label_ur.empty() ? one.label_ur : one.label;
  return std::string(id);
}

}  // namespace amanat::registry
