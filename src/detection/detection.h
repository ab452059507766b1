#pragma once
// detection: is it usual. Exact budgets in distinct citizens per officer, case and unit; sequential
// tests of what an officer does; holds. All windows or none; the request that would overshoot or
// break a rule is the one refused. State is rebuilt from the ledger at start, so a crash refills no
// budget, forgets no hold and loses no alert. Time is the ledger's, carried on by a steady clock;
// no wall clock is read. Thread-safe. Rules in words: docs/detection.md.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detection/alert.h"
#include "detection/parameters.h"
#include "detection/report.h"
#include "model/field.h"
#include "model/passes.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat::detection {

/// Spent is one disclosure as the ledger remembers it, for rebuilding.
struct Spent {
  AccountId account{};
  std::string unit, case_ref;
  Label subject{};
  Moment time{};
};

/// Past is one entry of the ledger as a start needs it: a disclosure, an alert or a refusal.
struct Past {
  EntryIndex index{};
  EntryType type{};
  Moment time{};
  Actor actor;
  std::string unit;                   // of the account
  std::string_view case_ref, judged;  // parts 2 and 10
  std::optional<Label> subject;
};

/// Options: without them Detection keeps budgets and holds and judges nothing else.
struct Options {
  Parameters parameters = nothing_judged();
  Stations stations;                           // none: no place is judged
  Key256 key;                                  // names neighbouring numbers; secret
  const FieldTable* fields = nullptr;          // must outlive it
  std::function<std::uint64_t()> steady_ms{};  // null: the system's steady clock
};

/// Day is what an account did on one of its last thirty days.
struct Day {
  std::uint32_t day = 0;
  std::uint16_t citizens = 0, unexplained = 0, absent = 0;
};

/// Month is an account's last thirty days against the peers of its unit.
struct Month {
  std::vector<Day> days;                             // ascending
  double citizens = 0, unexplained = 0, absent = 0;  // a day, over days with any
  double peer_citizens = 0, peer_unexplained = 0, peer_absent = 0;
  unsigned peers = 0;
};

/// Replayed is what a replay found of the alerts that are judged again.
struct Replayed {
  std::uint64_t lookups = 0, alerts = 0, same = 0, by_other_parameters = 0;
  std::vector<std::uint64_t> different;  // entries whose alert is not what the ledger gives
};

class Detection {
 public:
  Detection();
  explicit Detection(Options options);
  ~Detection();

  /// clear reserves budget units (max_subjects for a search or a tree, else one) and mints the
  /// Clearance. Where fewer are free it reserves those: the citizens may be known to the window
  /// already and then cost nothing, which settle() judges. Errors: quota_spent (nothing is free
  /// and nobody in the window could be meant again), account_on_hold, device_on_hold,
  /// class_on_hold, touch_and_reason (asked for and not given), too_fast.
  Result<Clearance> clear(Grant grant);
  /// settle judges the outcome: reservations shrink to the citizens actually present, an answer
  /// with more than was reserved is refused whole, the tests are put to every citizen, and the
  /// findings are stamped. Errors: too_many_subjects, quota_spent, and for a rule broken
  /// account_on_hold, class_on_hold, unexplained_spent, touch_and_reason, too_fast; its alert is
  /// then among take_alerts() and must be recorded before the refusal is told.
  Result<void> settle(Findings& findings);
  /// commit turns the reservation into spent units once the entries are durable; `time` is the
  /// entries' time in the ledger (never less than an earlier one, or it is taken as that).
  void commit(const Draft& draft, Moment time);
  void commit(const Draft& draft, const Receipt& receipt);
  /// mismatch counts a proof that did not fit the device's key, and returns its word on it, to be
  /// kept with the refusal; empty if such proofs are not judged.
  std::string mismatch(const Asker& asker);
  /// forbidden notes that a forbid of a class of persons refused a question (`rule`: the forbid's);
  /// its alert is then among take_alerts().
  void forbidden(const Asker& asker, const Question& question, const std::string& rule);

  /// waits says how many milliseconds one more refusal of this account waits before it is told,
  /// once recorded: an account that is refused over and over leaves the machine to the others.
  std::uint32_t waits(const Asker& asker);

  /// touched notes that an account named an invented citizen otherwise than by asking for one (a
  /// case, an enrolment; `what` says which): a silent alert, to be recorded like any other. It
  /// counts towards no hold, or a case system's mistake would stop its department.
  void touched(const Asker& asker, const Label& label, std::string case_ref, std::string what);

  /// take_alerts returns alerts not recorded yet, of one account or of all, for the ledger;
  /// recorded() tells where each one is, give_back() that it could not be.
  std::vector<Alert> take_alerts(std::optional<AccountId> account = std::nullopt);
  void give_back(std::vector<Alert> alerts);
  void recorded(const Alert& alert, EntryIndex index);

  /// place holds an account at once; the alert returned must be recorded. `tier`: hold,
  /// close_class, suspend_device or suspend.
  Alert place(const Asker& whom, Tier tier, Sensitivity data_class, AccountId by,
              std::string reason);
  /// releasing makes the alert of a release: to be recorded first, then given to lift(). Errors:
  /// no_record (no such hold), not_yourself (the held account's, or who placed it).
  Result<Alert> releasing(std::uint64_t hold, AccountId by, std::string reason);
  /// lift ends the hold, or the operation, that a recorded release names.
  void lift(const Alert& release);
  /// announcing makes the alert of an operation of a unit: to be recorded first; recorded() puts it
  /// in force. `from` in the past is taken as now. Errors: malformed_value (over before it begins,
  /// or longer than operation_h).
  Result<Alert> announcing(const Asker& by, std::string unit, std::uint64_t from,
                           std::uint64_t until, std::string reason);
  /// operations lists those in force or to come, the first recorded first.
  std::vector<Operation> operations() const;

  /// reporting makes the alert of what a report found, to be recorded.
  Alert reporting(const Found& found, std::uint64_t from, std::uint64_t until);

  std::vector<Hold> holds() const;
  /// alerts returns the last recorded alerts, the newest first, at most `most`; none about
  /// `reader`, whoever that is: what is silent to an officer stays so where the officer may look.
  std::vector<Told> alerts(std::size_t most, std::optional<AccountId> reader = std::nullopt) const;
  Month month(AccountId account, const std::string& unit) const;
  /// canaries replaces the set of invented citizens.
  void canaries(const std::vector<Label>& labels);
  bool is_canary(const Label& label) const;
  const Parameters& parameters() const;
  /// parameters_id names them, and the stations, as alerts do: 16 hex digits.
  const std::string& parameters_id() const;
  /// bytes is about how much memory the tests' state takes.
  std::size_t bytes() const;

  /// replay restores one disclosure at start. Call in ledger order, before the first clear().
  void replay(const Spent& spent);
  /// replay of lookups judged and of alerts; replayed() ends it: alerts that the ledger lacks are
  /// among take_alerts() then.
  void replay(const Past& past);
  Replayed replayed();
  /// observe tells the ledger's time from entries that disclose nothing (a denial), so that windows
  /// move on although nobody is answered. A time before the greatest seen changes nothing.
  void observe(Moment ledger_time);

  // A start goes on from what an earlier replay built (docs/restart.md). All of it before
  // replayed() and before anybody asks.
  /// state_id names all that the state depends on besides the ledger: form, parameters, key. Only a
  /// Detection of the same state_id may read it.
  std::string state_id() const;
  /// write_state gives the state of the replay, in chunks of about so many bytes, to `put`, whose
  /// errors it passes on. It names citizens by the first 8 bytes of their labels and must be
  /// sealed.
  Result<void> write_state(const std::function<Result<void>(std::string_view chunk)>& put,
                           std::size_t chunk_bytes = std::size_t{1} << 20) const;
  /// read_state takes one chunk, in any order, from several threads; all or none must be read.
  /// Errors: seal_broken (of another form).
  Result<void> read_state(std::string_view chunk);
  /// forget gives an erased citizen a random name wherever the state has his: what officers spent
  /// on him stays spent, and nothing leads to him any more.
  void forget(const SubjectName& name, const Label& label);

  struct State;  // of this room, and of its bench

 private:
  Result<Alert> ending(std::uint64_t operation, AccountId by, std::string reason);
  friend struct Rest;  // snapshot.cc
  std::unique_ptr<State> state_;
};

}  // namespace amanat::detection
