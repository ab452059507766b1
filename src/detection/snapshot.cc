#include "detection/snapshot.h"

#include <algorithm>
#include <utility>

#include "model/insist.h"

namespace amanat::detection {
namespace {

enum class Chunk : std::uint8_t { whole = 'W', holders = 'H', seen = 'S' };

template <class T>
struct Element {
  using Type = T;
};
template <class A, class B>
struct Element<std::pair<const A, B>> {
  using Type = std::pair<A, B>;
};

// What inserts and iterates, but for text.
template <class T>
concept Run = requires(T& t) {
  typename T::value_type;
  t.clear();
  t.insert(t.end(), std::declval<typename Element<typename T::value_type>::Type>());
}
&&!std::same_as<std::remove_const_t<T>, std::string>;

}  // namespace

struct Rest {
  using Part = std::vector<Windows::Seen>;

  template <class A, class... T>
  static void all(A& a, T&... values) {
    (one(a, values), ...);
  }

  template <class A, class T>
  requires std::is_arithmetic_v<std::remove_const_t<T>> || std::is_enum_v<std::remove_const_t<T>>
  static void one(A& a, T& value) {
    static_assert(std::endian::native == std::endian::little);
    if constexpr (std::same_as<std::remove_const_t<T>, bool>) {
      std::uint8_t byte = value ? 1 : 0;
      a.raw(&byte, 1);
      if constexpr (A::kReads) value = byte != 0;
    } else {
      a.raw(&value, sizeof value);
    }
  }
  template <class A, Is<std::string> T>
  static void one(A& a, T& text) {
    auto size = static_cast<std::uint32_t>(text.size());
    one(a, size);
    if constexpr (A::kReads) text.resize(std::min<std::size_t>(size, a.left()));
    a.raw(text.data(), A::kReads ? std::min<std::size_t>(size, text.size()) : size);
  }
  template <class A, class T, std::size_t N>
  static void one(A& a, std::array<T, N>& values) {
    for (auto& value : values) one(a, value);
  }
  template <class A, class T, std::size_t N>
  static void one(A& a, const std::array<T, N>& values) {
    for (const auto& value : values) one(a, value);
  }
  template <class A, class X, class Y>
  static void one(A& a, std::pair<X, Y>& pair) {
    all(a, pair.first, pair.second);
  }
  template <class A, class X, class Y>
  static void one(A& a, const std::pair<X, Y>& pair) {
    all(a, pair.first, pair.second);
  }
  // Runs. Every element takes a byte at least, so a count never makes more room than there is.
  template <class A, class T>
  requires Run<std::remove_const_t<T>>
  static void one(A& a, T& run) {
    auto count = static_cast<std::uint32_t>(run.size());
    one(a, count);
    if constexpr (A::kReads) {
      run.clear();
      for (std::uint32_t i = 0; i < count && !a.failed(); ++i) {
        typename Element<typename T::value_type>::Type value{};
        one(a, value);
        if (!a.failed()) run.insert(run.end(), std::move(value));
      }
    } else {
      for (const auto& value : run) one(a, value);
    }
  }
  template <class A, class T>
  static void one(A& a, std::unique_ptr<T>& value) {
    bool there = value != nullptr;
    one(a, there);
    if constexpr (A::kReads) value = there ? std::make_unique<T>() : nullptr;
    if (value) one(a, *value);
  }
  template <class A, class T>
  static void one(A& a, const std::unique_ptr<T>& value) {
    const bool there = value != nullptr;
    one(a, there);
    if (value) one(a, std::as_const(*value));
  }
  template <class A, class T>
  static void one(A& a, std::optional<T>& value) {
    bool there = value.has_value();
    one(a, there);
    if constexpr (A::kReads)
      if (there && !value) value.emplace();
    if (there) one(a, *value);
  }
  template <class A, class T>
  static void one(A& a, const std::optional<T>& value) {
    const bool there = value.has_value();
    one(a, there);
    if (there) one(a, *value);
  }

  template <class A, Is<Actor> T>
  static void one(A& a, T& v) {
    auto& [account, key_kind, thumbprint] = v;
    all(a, account, key_kind, thumbprint);
  }
  template <class A, Is<Near> T>
  static void one(A& a, T& v) {
    auto& [below, here, above, digit, known] = v;
    all(a, below, here, above, digit, known);
  }
  template <class A, Is<Look> T>
  static void one(A& a, T& v) {
    auto& [order, subject, at, near, why, exists, fresh, announced, next, away, off_duty, guarded,
           padded, zone] = v;
    all(a, order, subject, at, near, why, exists, fresh, announced, next, away, off_duty, guarded,
        padded, zone);
  }
  template <class A, Is<Alert> T>
  static void one(A& a, T& v) {
    auto& [rule, tier, actor, unit, case_ref, purpose, data_class, at, order, score, threshold,
           entries, looks, parameters, note, by, releases, other, from, until, citizen] = v;
    all(a, rule, tier, actor, unit, case_ref, purpose, data_class, at, order, score, threshold,
        entries, looks, parameters, note, by, releases, other, from, until, citizen);
  }
  template <class A, Is<Hold> T>
  static void one(A& a, T& v) {
    auto& [id, rule, tier, actor, data_class, at, order, by] = v;
    all(a, id, rule, tier, actor, data_class, at, order, by);
  }
  template <class A, Is<Refused> T>
  static void one(A& a, T& v) {
    auto& [order, at, rule] = v;
    all(a, order, at, rule);
  }
  template <class A, Is<Operation> T>
  static void one(A& a, T& v) {
    auto& [id, unit, from, until, order, by] = v;
    all(a, id, unit, from, until, order, by);
  }
  template <class A, Is<Told> T>
  static void one(A& a, T& v) {
    auto& [entry, alert] = v;
    all(a, entry, alert);
  }
  template <class A, Is<Day> T>
  static void one(A& a, T& v) {
    auto& [day, citizens, unexplained, absent] = v;
    all(a, day, citizens, unexplained, absent);
  }
  template <class A, Is<Replayed> T>
  static void one(A& a, T& v) {
    auto& [lookups, alerts, same, by_other_parameters, different] = v;
    all(a, lookups, alerts, same, by_other_parameters, different);
  }
  template <class A, Is<Scores> T>
  static void one(A& a, T& v) {
    auto& [sum, own, own_days, mean, event, none, absent, near, run, pace, friction_since, day,
           today, counted, friction_rule, zone, zone_at, away, away_at] = v;
    all(a, sum, own, own_days, mean, event, none, absent, near, run, pace, friction_since, day,
        today, counted, friction_rule, zone, zone_at, away, away_at);
  }
  template <class A, Is<Seen> T>
  static void one(A& a, T& v) {
    auto& [subject, at, order, entry, day] = v;
    all(a, subject, at, order, entry, day);
  }
  template <class A, Is<Peers> T>
  static void one(A& a, T& v) {
    auto& [sum, days, covered, covered_days] = v;
    all(a, sum, days, covered, covered_days);
  }
  template <class A, Is<Shared> T>
  static void one(A& a, T& v) {
    auto& [ring, near] = v;
    all(a, ring, near);
  }
  template <class A, Is<Neighbours> T>
  static void one(A& a, T& v) {
    auto& [names, prints, oldest, last_appended] = v;
    all(a, names, prints, oldest, last_appended);
  }
  template <class A, Is<Coverage::Sketch> T>
  static void one(A& a, T& v) {
    auto& [months, month] = v;
    all(a, months, month);
  }
  template <class A, Is<Coverage> T>
  static void one(A& a, T& v) {
    auto& [places, sketch, first_day, today, live, filled, per_day] = v;
    all(a, places, sketch, first_day, today, live, filled, per_day);
  }
  template <class A, Is<Habits> T>
  static void one(A& a, T& v) {
    auto& [scores, last_order, last_at, coverage_told, recent_begin, today, recent, sitting, week,
           ring, coverage] = v;
    all(a, scores, last_order, last_at, coverage_told, recent_begin, today, recent, sitting, week,
        ring, coverage);
  }
  template <class A, Is<Officer> T>
  static void one(A& a, T& v) {
    auto& [habits, holds, device, device_at, unit, days, too_fast, wrong, canaries, off_duty,
           station, refusals] = v;
    all(a, habits, holds, device, device_at, unit, days, too_fast, wrong, canaries, off_duty,
        station);
  }
  // Of a window the latest disclosure of each subject is enough: what is counted of it is counted
  // again when somebody first asks.
  static Part latest(const Windows& w) {
    insist(w.tracked_.empty());  // a replay counts nothing
    Part out;
    out.reserve(w.subjects_);
    w.each([&out](std::uint64_t subject, std::uint64_t time) { out.push_back({time, subject}); });
    return out;
  }
  template <class A, Is<Windows::Seen> T>
  static void one(A& a, T& v) {
    auto& [time, subject] = v;
    all(a, time, subject);
  }
  // see puts a part of a holder's citizens in its place; parts come in any order.
  static void see(Windows& w, std::uint64_t of, std::uint64_t from, const Part& part) {
    if (w.log_.size() != of) {
      w = Windows();
      w.log_.resize(of);
      std::size_t places = 16;
      while (places < 2 * of) places *= 2;
      w.index_.assign(places, Windows::kEmpty);
    }
    std::copy(part.begin(), part.end(), w.log_.begin() + static_cast<std::ptrdiff_t>(from));
    w.subjects_ += static_cast<std::uint32_t>(part.size());
    if (w.subjects_ == of) w.reindex();
  }
  template <class A, Is<Holder> T>
  static void one(A& a, T& v) {
    auto& [seen, pending, officer, shared, peers] = v;
    insist(pending == 0);  // nobody has asked
    all(a, shared, peers);
    if (officer != nullptr) {
      if constexpr (A::kReads)
        one(a, *officer);
      else
        one(a, std::as_const(*officer));
    }
  }
  template <class A, Is<Detection::State::Waiting> T>
  static void one(A& a, T& v) {
    auto& [order, index, alert, refusal, look, told, refused, actor, unit, case_ref, subject] = v;
    all(a, order, index, alert, refusal, look, told, refused, actor, unit, case_ref, subject);
  }
  template <class A, Is<Magnet> T>
  static void one(A& a, T& v) {
    auto& [mutex, places] = v;
    const std::lock_guard lock(mutex);
    auto count = static_cast<std::uint32_t>(
        std::count_if(places.begin(), places.end(), [](const auto& p) { return p.used > 0; }));
    one(a, count);
    std::uint32_t at = 0;
    for (std::uint32_t i = 0; i < count; ++i, ++at) {
      if constexpr (!A::kReads)
        while (places[at].used == 0) ++at;
      one(a, at);
      if constexpr (A::kReads)
        if (a.failed() || at >= places.size()) return;
      auto& [subject, accounts, days, latest, used] = places[at];
      all(a, subject, accounts, days, latest, used);
    }
  }

  // Everything of a State that a replay changes, but for the holders. Options, what follows from
  // them, the clock and the canaries are a start's own.
  template <class A>
  static void whole(A& a, Detection::State& s) {
    auto& [options, tuned, judges, parameters_id, neighbour_key, shards, ledger_time, order, magnet,
           clock_mutex, anchor_ledger, anchor_steady, alerts_mutex, outbox, told, operations_mutex,
           operations, canaries_mutex, canaries, waiting, together, replayed, replaying, expected,
           recorded_alerts, raised] = s;
    std::uint64_t time = ledger_time.load(), last = order.load();
    std::vector<Detection::State::Waiting> queued;
    if constexpr (!A::kReads)
      for (auto rest = waiting; !rest.empty(); rest.pop()) queued.push_back(rest.top());
    all(a, time, last, magnet, outbox, told, operations, queued, together, replayed, replaying,
        expected, recorded_alerts, raised);
    if constexpr (A::kReads) {
      ledger_time.store(time);
      order.store(last);
      for (auto& one : queued) waiting.push(std::move(one));
    }
  }

  static void rename(Windows& w, std::uint64_t subject, std::uint64_t alias);
  static void rename(Neighbours& n, const Near& near);
  static void rename(Coverage& c, std::uint64_t subject);
  static void rename(Habits& h, std::uint64_t subject, std::uint64_t alias, const Near& near);
  static void forget(Magnet& m, std::uint64_t subject);
};

namespace {

std::uint64_t random_name() {
  std::array<std::uint8_t, 8> bytes;
  crypto::random_bytes(bytes);
  std::uint64_t name;
  std::memcpy(&name, bytes.data(), sizeof name);
  return name;
}

void forget(Look& look, std::uint64_t subject, std::uint64_t alias) {
  if (look.subject != subject) return;
  look.subject = alias;
  look.near = Near{};
}

}  // namespace

std::string Detection::state_id() const {
  std::string id(kForm);
  id += ' ' + state_->parameters_id + ' ';
  return id + crypto::hex(state_->neighbour_key.mac({crypto::bytes_of(kForm)})).substr(0, 16);
}

Result<void> Detection::write_state(const std::function<Result<void>(std::string_view)>& put,
                                    std::size_t chunk_bytes) const {
  State& s = *state_;
  std::string chunk(1, static_cast<char>(Chunk::whole));
  Writing whole(chunk);
  Rest::whole(whole, s);
  if (auto r = put(chunk); !r) return r;
  const auto begin = [&chunk](Chunk kind) { chunk.assign(1, static_cast<char>(kind)); };
  begin(Chunk::holders);
  // A holder of more citizens than fit a chunk has several.
  const std::size_t together =
      std::max<std::size_t>(1, chunk_bytes / sizeof(Rest::Part::value_type));
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    for (const Shard& shard : s.shards[kind]) {
      const std::lock_guard lock(shard.mutex);
      for (const Kept& kept : shard.holders) {
        const std::string& key = kept.key;
        const Holder& holder = kept.holder;
        const auto which = static_cast<std::uint8_t>(kind);
        auto seen = Rest::latest(holder.seen);
        const bool apart = seen.size() > together;
        Writing out(chunk);
        Rest::all(out, which, key, holder, apart);
        if (!apart) Rest::all(out, seen);
        if (chunk.size() < chunk_bytes && !apart) continue;
        if (auto r = put(chunk); !r) return r;
        for (std::uint64_t from = 0; apart && from < seen.size(); from += together) {
          begin(Chunk::seen);
          const std::uint64_t of = seen.size();
          const Rest::Part part(
              seen.begin() + static_cast<std::ptrdiff_t>(from),
              seen.begin() + static_cast<std::ptrdiff_t>(std::min(of, from + together)));
          Rest::all(out, which, key, of, from, part);
          if (auto r = put(chunk); !r) return r;
        }
        begin(Chunk::holders);
      }
    }
  if (chunk.size() == 1) return {};
  return put(chunk);
}

Result<void> Detection::read_state(std::string_view chunk) {
  const auto wrong = [] { return fail(Reason::seal_broken, "a snapshot of another form"); };
  if (chunk.empty()) return wrong();
  const auto form = static_cast<Chunk>(chunk[0]);
  Taking in(chunk.substr(1));
  if (form == Chunk::whole) {
    Rest::whole(in, *state_);
    if (in.failed() || in.left() > 0) return wrong();
    return {};
  }
  if (form != Chunk::holders && form != Chunk::seen) return wrong();
  while (in.left() > 0) {
    std::uint8_t kind = 0;
    std::string key;
    Rest::all(in, kind, key);
    if (in.failed() || kind >= kKinds) return wrong();
    const Held held = state_->hold(static_cast<Kind>(kind), key);
    const std::lock_guard lock(held.shard->mutex);
    bool apart = false;
    std::uint64_t of = 0, from = 0;
    Rest::Part seen;
    if (form == Chunk::seen) {
      Rest::all(in, of, from, seen);
    } else {
      Rest::all(in, *held.holder, apart);
      if (!apart) Rest::all(in, seen);
      of = seen.size();
    }
    if (in.failed() || from > of || seen.size() > of - from || of > 0xffffffff) return wrong();
    if (!apart && of > 0) Rest::see(held.holder->seen, of, from, seen);
  }
  return {};
}

void Rest::rename(Windows& w, std::uint64_t subject, std::uint64_t alias) {
  if (w.find(subject) == Windows::kNowhere) return;
  for (auto& seen : w.log_)
    if (seen.subject == subject) seen.subject = alias;
  w.reindex();
}

// A name that stands beside nobody.
void Rest::rename(Neighbours& n, const Near& near) {
  if (!near.known) return;
  const std::uint64_t name = near.here | near.digit;
  for (std::size_t at = 0; at < n.names_.size(); ++at) {
    if (n.names_[at] != name) continue;
    n.names_[at] = (random_name() & ~std::uint64_t{15}) | near.digit;
    n.prints_[at] = Neighbours::print_of(n.names_[at]);
  }
}

void Rest::rename(Coverage& c, std::uint64_t subject) {
  for (std::uint64_t& place : c.places_) {
    if (place == 0 || Coverage::name_of(place) != Coverage::name_of(subject)) continue;
    place = Coverage::name_of(random_name()) | (place & 0xffff);
    c.grow();  // puts everybody where the table looks for him
    return;
  }
}

void Rest::rename(Habits& h, std::uint64_t subject, std::uint64_t alias, const Near& near) {
  for (Seen& seen : h.week_)
    if (seen.subject == subject) seen.subject = alias;
  std::replace(h.today_.begin(), h.today_.end(), subject, alias);
  rename(h.ring_, near);
  rename(h.coverage_, subject);
}

void Rest::forget(Magnet& m, std::uint64_t subject) {
  const std::lock_guard lock(m.mutex_);
  if (auto* place = m.find(subject)) *place = Magnet::Place{};
}

void Detection::forget(const SubjectName& name, const Label& label) {
  State& s = *state_;
  const std::uint64_t subject = hash_of(label), alias = random_name();
  const Near near = s.near_of(name);
  for (auto& kind : s.shards)
    for (Shard& shard : kind) {
      const std::lock_guard lock(shard.mutex);
      for (Kept& kept : shard.holders) {
        Holder& holder = kept.holder;
        Rest::rename(holder.seen, subject, alias);
        if (holder.shared) Rest::rename(holder.shared->ring, near);
        if (!holder.officer) continue;
        Rest::rename(holder.officer->habits, subject, alias, near);
        auto& canaries = holder.officer->canaries;
        std::replace(canaries.begin(), canaries.end(), subject, alias);
      }
    }
  Rest::forget(s.magnet, subject);
  std::vector<State::Waiting> waiting;
  for (; !s.waiting.empty(); s.waiting.pop()) waiting.push_back(s.waiting.top());
  const auto in_alert = [&](Alert& alert) {
    for (Look& look : alert.looks) amanat::detection::forget(look, subject, alias);
    if (alert.citizen == label) alert.citizen.reset();
  };
  for (auto* list : {&waiting, &s.together})
    for (State::Waiting& one : *list) {
      amanat::detection::forget(one.look, subject, alias);
      if (one.subject == label) one.subject.reset();
      in_alert(one.told);
    }
  for (State::Waiting& one : waiting) s.waiting.push(std::move(one));
  for (Alert& alert : s.expected) in_alert(alert);
  const std::lock_guard lock(s.alerts_mutex);
  for (Alert& alert : s.outbox) in_alert(alert);
  for (Told& told : s.told) in_alert(told.alert);
}

}  // namespace amanat::detection
