#include "registry/fetch.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include "model/insist.h"
#include "registry/form.h"
#include "registry/normalise.h"
#include "vault/debts.h"

namespace amanat::registry {
namespace {

constexpr std::size_t kPostingsMax = 20'000;
constexpr std::size_t kTextBytesMax = 64 << 20;
constexpr std::size_t kTreeMax = 2'000;
constexpr unsigned kHopsMax = 3;
constexpr std::string_view kThere = "*";  // stands for a value of which only existence is released

struct PlanField {
  FieldId id{};
  Level level = Level::none;
};

/// Plan is what is read of one dataset for one standing.
struct Plan {
  const Dataset* dataset = nullptr;
  std::vector<PlanField> by_field;  // one a field of the dataset
};

std::vector<FieldId> plan_fields(const Plan& plan) {
  std::vector<FieldId> out;
  for (const PlanField& field : plan.by_field)
    if (field.level != Level::none) out.push_back(field.id);
  return out;
}

/// Bearing is what a citizen is to the question, and what is read of them for it.
struct Bearing {
  Standing standing = Standing::other;
  const std::vector<Plan>* plans = nullptr;
  std::shared_ptr<const std::vector<FieldRelease>> releases;  // null: the standing's
  std::string forbidden;  // the forbid that leaves nothing of what others would show
  bool guarded = false;
};

/// Scope limits what is read of one person.
struct Scope {
  std::vector<DatasetId> limited;  // of these datasets, only the hits
  std::vector<RecordKey> hits;
  std::optional<std::string> number;  // of datasets about numbers, only this number's
  std::optional<RecordKey> own;       // a decoy's record, whose name is not known
};

/// Reading is one question being answered.
class Reading {
 public:
  Reading(Archive& archive, const Wanted& wanted)
      : archive_(archive),
        wanted_(wanted),
        question_(*wanted.question),
        form_(in_order(archive.catalog, wanted.question->subject)) {}

  Result<Found> read();
  Result<Findings::Content> roll(const std::vector<std::string>& citizens);
  Result<Findings::Content> part(const std::vector<Person>& roll, std::size_t from,
                                 std::size_t count);

 private:
  void make_plans();
  Result<void> read_window();
  Result<void> by_name(const SubjectName& name);
  Result<void> by_tree(const SubjectName& root);
  Result<void> by_number(const SubjectName& number);
  Result<void> by_search();
  Result<std::map<SubjectName, std::vector<RecordKey>>> search();
  Result<bool> matches(const Criterion& criterion, const OpenRecord& record) const;

  std::vector<Plan> plans_of(const std::vector<FieldRelease>& releases) const;
  Standing standing_of(const SubjectName& name, bool kin) const;
  Bearing bearing_of(const SubjectName& name, bool kin);
  bool is_family(const Tag& citizen);
  Result<void> add_only(const SubjectName& name, const Scope& scope);

  Result<void> add(const SubjectName& name, const Bearing& bearing, const Scope& scope,
                   const Relative* relative);
  Result<void> add_records(const Plan& plan, vault::Slot slot, const Scope& scope, Person& person);
  Result<void> add_numbers(const Plan& plan, const std::optional<vault::Slot>& slot,
                           const Scope& scope, Person& person);
  Result<void> add_record(const Plan& plan, const RecordKey& key, std::string_view stored,
                          const Key256& secret);
  Result<bool> in_window(const Dataset& dataset, std::int64_t& order) const;
  Result<void> add_value(const PlanField& field, const RecordReader::Value& value,
                         std::uint32_t version, FoundRecord& record);
  Result<void> owe(const Label& label);
  void add_kinship(const Plan& plan, const Relative& relative, Person& person);
  void want_live(const Plan& plan, const SubjectName& name);
  void withhold_live(const Bearing& bearing, Person& person) const;
  Result<void> read_plans(const Bearing& bearing, const std::optional<vault::Slot>& slot,
                          const Scope& scope, const Relative* relative, Person& person);
  Result<void> read_decoy(const SubjectName& asked, const Bearing& bearing);
  Result<void> read_chain(const SubjectName& name, const std::optional<vault::Slot>& slot,
                          Person& person);

  Archive& archive_;
  const Wanted& wanted_;
  const Question& question_;
  const SubjectForm form_;
  Window window_;
  std::vector<Plan> plans_[kStandings];
  std::deque<std::vector<Plan>> own_plans_;  // of citizens with releases of their own
  Findings::Content content_;
  std::vector<LiveWant> live_;
  // Scratch of one record.
  WipingBuffer plain_, linked_;
  std::string key_;
  std::vector<std::pair<std::int64_t, FoundRecord>> ordered_;
};

Result<void> Reading::read_window() {
  const auto& form = form_;
  if (form.from) window_.from = static_cast<std::int64_t>(number(*form.from) / 1000);
  if (form.to) window_.to = static_cast<std::int64_t>((number(*form.to) + 999) / 1000);
  if (window_.from >= window_.to) return fail(Reason::malformed_value, "the window is empty");
  if (form.hops > kHopsMax) return fail(Reason::malformed_value, "hops is 0 to 3");
  if (form.hops > 0 && form.search != "national_id")
    return fail(Reason::unknown_subject_form, "a tree is asked for by national_id");
  return {};
}

std::vector<Plan> Reading::plans_of(const std::vector<FieldRelease>& releases) const {
  const FieldTable& table = archive_.catalog.fields();
  std::vector<Plan> plans;
  for (const auto& release : releases) {
    if (release.level == Level::none) continue;
    const Dataset& dataset = archive_.catalog.dataset(table[release.field].dataset);
    const auto place = dataset.find(release.field);
    insist(place);
    auto plan = std::find_if(plans.begin(), plans.end(),
                             [&](const Plan& p) { return p.dataset == &dataset; });
    if (plan == plans.end()) {
      plans.push_back(Plan{&dataset, std::vector<PlanField>(dataset.fields.size())});
      plan = plans.end() - 1;
    }
    plan->by_field[*place] = PlanField{release.field, release.level};
  }
  return plans;
}

// is_family says whether a citizen is of the asker's family. What cannot be read is: a forbid
// holds where it is not known that it does not.
bool Reading::is_family(const Tag& citizen) {
  const auto& own = wanted_.grant->caller().asker().own;
  if (!own) return true;
  const auto family = family_of_officer(archive_, *own);
  if (!family) return true;
  return std::binary_search((*family)->begin(), (*family)->end(), citizen);
}

Bearing Reading::bearing_of(const SubjectName& name, bool kin) {
  Bearing bearing;
  bearing.standing = standing_of(name, kin);
  const auto k = static_cast<std::size_t>(bearing.standing);
  bearing.plans = &plans_[k];
  if (wanted_.grant == nullptr) return bearing;
  const Tag tag = archive_.vault.tag(name);
  if (const auto& guarded = wanted_.grant->content().guarded)
    bearing.guarded = std::binary_search(guarded->begin(), guarded->end(), tag);
  const auto& narrowed = wanted_.grant->content().narrowed;
  const bool asks = std::any_of(narrowed.begin(), narrowed.end(),
                                [](const Narrowed& one) { return one.members == nullptr; });
  auto [releases, rule] =
      wanted_.grant->releases_for(bearing.standing, tag, asks && is_family(tag));
  const auto& usual = *wanted_.releases[k];
  const auto same = [](const FieldRelease& a, const FieldRelease& b) {
    return a.level == b.level && a.mask == b.mask;
  };
  if (std::equal(releases.begin(), releases.end(), usual.begin(), usual.end(), same))
    return bearing;
  own_plans_.push_back(plans_of(releases));
  bearing.plans = &own_plans_.back();
  if (bearing.plans->empty()) bearing.forbidden = std::move(rule);
  bearing.releases = std::make_shared<const std::vector<FieldRelease>>(std::move(releases));
  return bearing;
}

Standing Reading::standing_of(const SubjectName& name, bool kin) const {
  const Tag tag = archive_.vault.tag(name);
  if (std::binary_search(wanted_.case_subjects->begin(), wanted_.case_subjects->end(), tag))
    return Standing::named;
  return kin ? Standing::kin : Standing::other;
}

/// in_window judges the record in plain_; `order` is where it stands among its like.
Result<bool> Reading::in_window(const Dataset& dataset, std::int64_t& order) const {
  order = 0;
  const auto by = dataset.window_from ? dataset.window_from : dataset.latest_by;
  if (!by) return true;
  auto reader = RecordReader::over(plain_.view());
  if (!reader) return std::unexpected(reader.error());
  std::optional<std::int64_t> begin, end;
  RecordReader::Value value;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto field = archive_.numbers.field_of(dataset.id, value.field);
    if (field && field == by) begin = seconds_of(value.value);
    if (field && field == dataset.window_to) end = seconds_of(value.value);
  }
  order = begin.value_or(0);
  if (!dataset.window_from || window_.open()) return true;
  if (!begin || *begin >= window_.to) return false;
  if (!dataset.window_to) return *begin >= window_.from;
  return !end || *end > window_.from;  // still there: the stay has no end yet
}

Result<void> Reading::add_value(const PlanField& field, const RecordReader::Value& value,
                                std::uint32_t version, FoundRecord& record) {
  std::string_view text = value.value;
  if (value.linked) {
    linked_.clear();
    auto opened = link_value(archive_.vault, key_, version, value, linked_);
    if (!opened) return std::unexpected(opened.error());
    text = *opened;
  }
  if (text.empty()) return {};
  record.values.push_back(
      FoundValue{field.id, content_.text.append(field.level == Level::exists ? kThere : text)});
  return {};
}

Result<void> Reading::add_record(const Plan& plan, const RecordKey& key, std::string_view stored,
                                 const Key256& secret) {
  auto record = decode_record(stored);
  if (!record) return std::unexpected(record.error());
  key_.clear();
  append(key_, key);
  plain_.clear();
  if (auto ok =
          vault::Vault::open(secret, associated(key_, record->version), record->sealed, plain_);
      !ok)
    return ok;
  std::int64_t order = 0;
  auto wanted = in_window(*plan.dataset, order);
  if (!wanted) return std::unexpected(wanted.error());
  if (!*wanted) return {};
  if (content_.text.size() > kTextBytesMax)
    return fail(Reason::too_many_subjects, "narrow the window");
  FoundRecord found;
  found.dataset = plan.dataset->id;
  found.source = plan.dataset->department;
  found.date = record->taken_in;
  found.version = record->version;
  found.record = key.record;
  auto reader = RecordReader::over(plain_.view());
  if (!reader) return std::unexpected(reader.error());
  RecordReader::Value value;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto field = archive_.numbers.field_of(plan.dataset->id, value.field);
    if (!field || plan.by_field[*field].level == Level::none) continue;
    if (auto ok = add_value(plan.by_field[*field], value, found.version, found); !ok) return ok;
  }
  std::sort(found.values.begin(), found.values.end(),
            [](const FoundValue& a, const FoundValue& b) { return a.field < b.field; });
  ordered_.emplace_back(order, std::move(found));
  return {};
}

Result<void> Reading::add_records(const Plan& plan, vault::Slot slot, const Scope& scope,
                                  Person& person) {
  const Dataset& d = *plan.dataset;
  const std::uint16_t dataset_number = archive_.numbers.of(d.id);
  std::vector<std::pair<RecordKey, std::string>> stored;
  if (std::find(scope.limited.begin(), scope.limited.end(), d.id) != scope.limited.end() || d.one) {
    std::vector<RecordKey> keys;
    for (const auto& hit : scope.hits)
      if (hit.dataset == dataset_number) keys.push_back(hit);
    if (d.one &&
        std::find(scope.limited.begin(), scope.limited.end(), d.id) == scope.limited.end()) {
      std::string folded;
      append_folded(person.name.value, folded);
      folded.push_back('\x1f');
      keys.assign(1, RecordKey{dataset_number, slot, archive_.vault.record_tag(d.name, folded)});
      if (scope.own && scope.own->dataset == dataset_number) keys[0] = *scope.own;
    }
    for (const auto& key : keys) {
      key_.clear();
      append(key_, key);
      std::string value;
      auto found = archive_.store.get(storage::Table::records, key_, value);
      if (!found) return std::unexpected(found.error());
      if (*found) stored.emplace_back(key, std::move(value));
    }
  } else {
    auto scanned =
        archive_.store.scan(storage::Table::records, subject_prefix(dataset_number, slot), {},
                            [&](std::string_view key, std::string_view value) {
                              if (const auto k = decode_record_key(key))
                                stored.emplace_back(*k, value);
                              return true;
                            });
    if (!scanned) return scanned;
  }
  if (stored.empty()) return {};
  auto secret = archive_.vault.key_of(slot);
  if (!secret) {
    if (secret.error().reason == Reason::erased) return {};
    return std::unexpected(secret.error());
  }
  for (const auto& [key, value] : stored)
    if (auto ok = add_record(plan, key, value, *secret); !ok) return ok;
  return {};
}

/// add_numbers reads a dataset about numbers: the asked number, or all that the person holds.
Result<void> Reading::add_numbers(const Plan& plan, const std::optional<vault::Slot>& slot,
                                  const Scope& scope, Person& person) {
  std::vector<std::string> numbers;
  if (scope.number) {
    numbers.push_back(*scope.number);
  } else if (slot) {
    auto held = numbers_of(archive_, *slot, Holding::current);
    if (!held) return std::unexpected(held.error());
    numbers = *std::move(held);
  }
  for (auto& one : numbers) {
    auto found = find_subject(archive_.store,
                              archive_.vault.tag(SubjectName{SubjectKind::msisdn, std::move(one)}));
    if (!found) return std::unexpected(found.error());
    if (!*found || !(*found)->has_records) continue;
    person.exists = true;
    if (auto ok = add_records(plan, (*found)->slot, scope, person); !ok) return ok;
  }
  return {};
}

void Reading::add_kinship(const Plan& plan, const Relative& relative, Person& person) {
  if (relative.hops == 0) return;  // the root is nobody's relative
  FoundRecord record = relative.edge;
  for (std::size_t f = 0; f < plan.by_field.size(); ++f) {
    const PlanField& field = plan.by_field[f];
    if (field.level == Level::none) continue;
    const Gives gives = plan.dataset->fields[f].gives;
    const std::string text = gives == Gives::relation ? relative.relation
                             : gives == Gives::hops   ? std::to_string(relative.hops)
                                                      : relative.of.value;
    record.values.push_back(
        FoundValue{field.id, content_.text.append(field.level == Level::exists ? kThere : text)});
  }
  std::sort(record.values.begin(), record.values.end(),
            [](const FoundValue& a, const FoundValue& b) { return a.field < b.field; });
  person.exists = true;
  person.records.push_back(std::move(record));
}

/// want_live notes that a department is to be asked about the person added next. It is asked about
/// whoever the question names, known here or not, so that its being asked says nothing.
void Reading::want_live(const Plan& plan, const SubjectName& name) {
  LiveWant want;
  want.person = content_.people.size();
  want.dataset = plan.dataset->id;
  // A number nobody is known to hold is no ID: there is only a wait.
  if (name.kind == SubjectKind::national_id) want.name = name;
  want.window = window_;
  for (std::size_t f = 0; f < plan.by_field.size(); ++f)
    if (plan.by_field[f].level != Level::none)
      want.fields.push_back({f, plan.by_field[f].id, plan.by_field[f].level});
  live_.push_back(std::move(want));
}

/// withhold_live takes what departments keep themselves out of one citizen's share of an extract.
void Reading::withhold_live(const Bearing& bearing, Person& person) const {
  for (const Plan& plan : *bearing.plans)
    if (plan.dataset->live)
      withhold(person, *wanted_.releases[static_cast<std::size_t>(person.standing)],
               plan_fields(plan), Reason::live_not_in_extract);
}

/// read_plans reads what is wanted of one person; `slot` is theirs if they have records.
Result<void> Reading::read_plans(const Bearing& bearing, const std::optional<vault::Slot>& slot,
                                 const Scope& scope, const Relative* relative, Person& person) {
  for (const auto& plan : *bearing.plans) {
    ordered_.clear();
    if (plan.dataset->live) {
      // Nobody is asked about for a decoy's sake: what a department is asked does not depend on it.
      if (scope.own || question_.list) continue;
      want_live(plan, person.name);
      continue;
    }
    if (plan.dataset->tree) {
      if (relative != nullptr) add_kinship(plan, *relative, person);
      continue;
    }
    if (plan.dataset->about_numbers()) {
      if (auto ok = add_numbers(plan, slot, scope, person); !ok) return ok;
    } else if (slot && person.name.kind != SubjectKind::msisdn) {
      if (auto ok = add_records(plan, *slot, scope, person); !ok) return ok;
    }
    std::sort(ordered_.begin(), ordered_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.first, a.second.record) < std::tie(b.first, b.second.record);
    });
    for (auto& [order, record] : ordered_) person.records.push_back(std::move(record));
  }
  return {};
}

/// read_decoy does for a name no registry knows what is done for one it knows, with somebody
/// else's records, and forgets them.
Result<void> Reading::read_decoy(const SubjectName& asked, const Bearing& bearing) {
  const auto decoy = archive_.decoys.pick(archive_.vault.tag(asked));
  if (!decoy) return {};
  auto row = find_subject(archive_.store, decoy->subject);
  if (!row) return std::unexpected(row.error());
  Person nobody;
  nobody.name.value = asked.value;
  Scope scope;
  scope.own = decoy->record;
  const std::size_t before = content_.text.size();
  auto read = read_plans(bearing, decoy->record.slot, scope, nullptr, nobody);
  content_.text.truncate(before);
  return read;
}

/// read_chain looks for what leads from the case to the person, for detection.
Result<void> Reading::read_chain(const SubjectName& name, const std::optional<vault::Slot>& slot,
                                 Person& person) {
  std::optional<vault::Slot> under = slot;
  if (!under)
    if (const auto decoy = archive_.decoys.pick(archive_.vault.tag(name)))
      under = decoy->record.slot;
  if (!under) return {};
  auto chain = chain_to(archive_, *under, *wanted_.case_subjects);
  if (!chain) return std::unexpected(chain.error());
  if (slot) person.chain = *std::move(chain);
  return {};
}

Result<void> Reading::add(const SubjectName& name, const Bearing& bearing, const Scope& scope,
                          const Relative* relative) {
  if (content_.people.size() >= std::max<std::size_t>(1, question_.max_subjects))
    return fail(Reason::too_many_subjects,
                "the question allows " + std::to_string(question_.max_subjects));
  Person person;
  person.name = name;
  person.standing = bearing.standing;
  person.guarded = bearing.guarded;
  person.releases = bearing.releases;
  person.label = archive_.vault.label(name);
  // Before any key of theirs is unwrapped, the ledger is owed an entry of them.
  if (auto owed = owe(person.label); !owed) return owed;
  auto slice = archive_.vault.slice_for(person.label, now());
  if (!slice) return std::unexpected(slice.error());
  person.slice = *std::move(slice);
  auto row = find_subject(archive_.store, archive_.vault.tag(name));
  if (!row) return std::unexpected(row.error());
  std::optional<vault::Slot> slot;
  if (*row && (*row)->has_records) slot = (*row)->slot;
  person.exists = slot.has_value();
  if (auto ok = read_plans(bearing, slot, scope, relative, person); !ok) return ok;
  // Whoever does not exist is looked for as long as whoever does.
  if (wanted_.explains && bearing.standing == Standing::other)
    if (auto ok = read_chain(name, slot, person); !ok) return ok;
  if (!person.exists)
    if (auto ok = read_decoy(name, bearing); !ok) return ok;
  if (question_.list) withhold_live(bearing, person);
  content_.people.push_back(std::move(person));
  return {};
}

Result<void> Reading::owe(const Label& label) {
  vault::Debts& debts = archive_.vault.debts();
  if (content_.debt == nullptr) {
    auto account = debts.open();
    if (!account) return std::unexpected(std::move(account.error()));
    content_.debt = *std::move(account);
  }
  return debts.owe(*content_.debt, label);
}

// add_only adds the one citizen a question is about. If a forbid of their class leaves nothing, the
// whole question is refused, as it is where that is known beforehand.
Result<void> Reading::add_only(const SubjectName& name, const Scope& scope) {
  const Bearing bearing = bearing_of(name, false);
  if (!bearing.forbidden.empty())
    return fail(Reason::forbidden_by_rule, "rule " + bearing.forbidden);
  return add(name, bearing, scope, nullptr);
}

Result<void> Reading::by_name(const SubjectName& name) { return add_only(name, Scope{}); }

Result<void> Reading::by_tree(const SubjectName& root) {
  auto tree = family(archive_, root, form_.hops, *wanted_.follow, kTreeMax);
  if (!tree) return std::unexpected(tree.error());
  const bool kin = standing_of(root, false) == Standing::named;
  for (const auto& one : *tree) {
    const Bearing bearing = bearing_of(one.name, kin && one.hops > 0);
    if (one.hops > 0 && bearing.plans->empty()) continue;  // nothing of theirs is released
    if (auto ok = add(one.name, bearing, Scope{}, &one); !ok) return ok;
  }
  return {};
}

Result<void> Reading::by_number(const SubjectName& asked) {
  insist(asked.kind == SubjectKind::msisdn);
  auto holder = current_holder(archive_, asked.value);
  if (!holder) return std::unexpected(holder.error());
  Scope scope;
  scope.number = asked.value;
  // Of what names the number itself, only the records about this number.
  for (const auto& d : archive_.catalog.datasets())
    for (const auto& f : d.fields)
      if (f.search == form_.search) scope.limited.push_back(d.id);
  if (*holder) {
    scope.hits = (*holder)->records;
  } else if (const auto decoy = archive_.decoys.pick(archive_.vault.tag(asked))) {
    if (auto ok = open_record(archive_, decoy->record); !ok) return std::unexpected(ok.error());
  }
  const SubjectName& name = *holder ? (*holder)->name : asked;
  return add_only(name, scope);
}

/// matches compares what a posting promised with the record: a posting may be stale, and narrowing
/// is not indexed.
Result<bool> Reading::matches(const Criterion& criterion, const OpenRecord& record) const {
  auto reader = RecordReader::over(record.plain.view());
  if (!reader) return std::unexpected(reader.error());
  std::size_t held = 0;
  std::string folded;
  RecordReader::Value value;
  for (;;) {
    auto more = reader->next(value);
    if (!more) return std::unexpected(more.error());
    if (!*more) return held == criterion.narrowing.size() + 1;
    const auto field = archive_.numbers.field_of(criterion.dataset->id, value.field);
    if (!field) continue;
    folded.clear();
    append_folded(value.value, folded);
    if (*field == criterion.field && folded == criterion.folded) ++held;
    for (const auto& [narrow, wanted] : criterion.narrowing)
      if (*field == narrow && folded == wanted) ++held;
  }
}

Result<std::map<SubjectName, std::vector<RecordKey>>> Reading::search() {
  auto all = criteria(archive_.catalog, form_);
  if (!all) return std::unexpected(all.error());
  std::map<SubjectName, std::vector<RecordKey>> people;
  for (const auto& criterion : *all) {
    const Dataset& d = *criterion.dataset;
    auto keys =
        postings(archive_, archive_.vault.index_tag(d.fields[criterion.field].id, criterion.folded),
                 kPostingsMax);
    if (!keys) return std::unexpected(keys.error());
    for (const auto& key : *keys) {
      auto record = open_record(archive_, key);
      if (!record) return std::unexpected(record.error());
      if (!*record) continue;
      auto held = matches(criterion, **record);
      if (!held) return std::unexpected(held.error());
      if (!*held) continue;
      plain_ = std::move((*record)->plain);
      std::int64_t order = 0;
      auto inside = in_window(d, order);
      if (!inside) return std::unexpected(inside.error());
      if (!*inside) continue;
      auto reader = RecordReader::over(plain_.view());
      if (!reader) return std::unexpected(reader.error());
      people[SubjectName{reader->kind(), std::string(reader->subject())}].push_back(key);
    }
  }
  return people;
}

Result<void> Reading::by_search() {
  auto people = search();
  if (!people) return std::unexpected(people.error());
  Scope scope;
  for (const auto& d : archive_.catalog.datasets())
    for (const auto& f : d.fields)
      if (f.search == form_.search) scope.limited.push_back(d.id);
  for (const auto& [name, hits] : *people) {
    const Bearing bearing = bearing_of(name, false);
    if (bearing.plans->empty()) continue;  // nothing of theirs is released
    scope.hits = hits;
    if (auto ok = add(name, bearing, scope, nullptr); !ok) return ok;
  }
  if (!content_.people.empty()) return {};
  // Every question leaves an entry: about the first one found, or about what was asked for.
  if (!people->empty()) {
    const auto& [name, hits] = *people->begin();
    scope.hits = hits;
    return add(name, bearing_of(name, false), scope, nullptr);
  }
  SubjectName nobody{SubjectKind::unidentified, form_.search + "="};
  append_folded(trim(form_.value), nobody.value);
  Bearing bearing;
  bearing.plans = &plans_[static_cast<std::size_t>(Standing::other)];
  return add(nobody, bearing, Scope{}, nullptr);
}

void Reading::make_plans() {
  for (std::size_t s = 0; s < kStandings; ++s) {
    insist(wanted_.releases[s] != nullptr);
    plans_[s] = plans_of(*wanted_.releases[s]);
  }
}

Result<Findings::Content> Reading::roll(const std::vector<std::string>& citizens) {
  content_.people.reserve(citizens.size());
  for (const std::string& digits : citizens) {
    Person& person = content_.people.emplace_back();
    person.name = {SubjectKind::national_id, digits};
    person.label = archive_.vault.label(person.name);
    person.standing = standing_of(person.name, false);
    auto row = find_subject(archive_.store, archive_.vault.tag(person.name));
    if (!row) return std::unexpected(row.error());
    person.exists = *row && (*row)->has_records;
  }
  return std::move(content_);
}

Result<Findings::Content> Reading::part(const std::vector<Person>& roll, std::size_t from,
                                        std::size_t count) {
  insist(from + count <= roll.size());
  make_plans();
  // Whom a forbid leaves nothing of is in the answer all the same, with everything withheld.
  for (std::size_t i = from; i < from + count; ++i)
    if (auto ok = add(roll[i].name, bearing_of(roll[i].name, false), Scope{}, nullptr); !ok)
      return std::unexpected(ok.error());
  return std::move(content_);
}

Result<Found> Reading::read() {
  if (auto ok = read_window(); !ok) return std::unexpected(ok.error());
  auto name = named_directly(archive_.catalog, form_);
  if (!name) return std::unexpected(name.error());
  make_plans();
  Result<void> done;
  if (!*name)
    done = by_search();
  else if ((*name)->kind == SubjectKind::msisdn)
    done = by_number(**name);
  else if (form_.hops > 0)
    done = by_tree(**name);
  else
    done = by_name(**name);
  if (!done) return std::unexpected(done.error());
  insist(!content_.people.empty());
  return Found{std::move(content_), std::move(live_)};
}

}  // namespace

void withhold(Person& person, const std::vector<FieldRelease>& of_standing,
              const std::vector<FieldId>& fields, Reason reason) {
  auto releases = person.releases ? *person.releases : of_standing;
  for (FieldRelease& release : releases)
    if (release.level != Level::none &&
        std::find(fields.begin(), fields.end(), release.field) != fields.end()) {
      release.level = Level::none;
      release.withheld = reason;
    }
  person.releases = std::make_shared<const std::vector<FieldRelease>>(std::move(releases));
}

Result<Found> find(Archive& archive, const Wanted& wanted) {
  insist(wanted.question != nullptr && wanted.case_subjects != nullptr && wanted.follow != nullptr);
  return Reading(archive, wanted).read();
}

Result<Findings::Content> find_roll(Archive& archive, const Wanted& wanted,
                                    const std::vector<std::string>& citizens) {
  insist(wanted.question != nullptr && wanted.case_subjects != nullptr);
  return Reading(archive, wanted).roll(citizens);
}

Result<Findings::Content> find_part(Archive& archive, const Wanted& wanted,
                                    const std::vector<Person>& roll, std::size_t from,
                                    std::size_t count) {
  insist(wanted.question != nullptr && wanted.case_subjects != nullptr);
  return Reading(archive, wanted).part(roll, from, count);
}

Result<std::optional<SubjectName>> subject_named(const Archive& archive, const SubjectForm& form) {
  auto name = named_directly(archive.catalog, in_order(archive.catalog, form));
  if (!name || !*name || (*name)->kind != SubjectKind::msisdn) return name;
  auto holder = current_holder(archive, (*name)->value);
  if (!holder) return std::unexpected(holder.error());
  if (*holder) return (*holder)->name;
  return name;
}

}  // namespace amanat::registry
