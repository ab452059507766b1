#pragma once
// registry, live: datasets that stay with their department, read while a question waits. Each has a
// desk of its own: some threads with a connection each, a short queue, and a breaker, so that a
// department that is down costs neither time nor threads. This room only. Thread-safe.
//
// Invariants
//  1. A question is answered once, at its deadline at the latest, whatever its thread is stuck in.
//  2. What a department is asked depends on the grant and on the name asked for, never on what the
//     exchange's own records say of that name.
//  3. What is handed on was judged as an import is, is about the citizen asked for, and is kept
//     (sealed, as a version) before it can be shown: the trace needs what was shown.

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/field.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/secret.h"
#include "registry/archive.h"

namespace amanat::registry {

/// Window is the question's [from, to) in seconds.
struct Window {
  std::int64_t from = INT64_MIN, to = INT64_MAX;
  bool open() const { return from == INT64_MIN && to == INT64_MAX; }
};

/// LiveWant is what one department is to be asked of one person of the findings.
struct LiveWant {
  struct Wanted {
    std::size_t field = 0;  // of the dataset
    FieldId id{};
    Level level = Level::none;
  };
  std::size_t person = 0;
  DatasetId dataset{};
  SubjectName name;  // an empty value: nobody can be asked about, and the wait is all there is
  Window window;
  std::vector<Wanted> fields;
};

/// LiveFound is what a department said, judged.
struct LiveFound {
  struct Record {
    Tag record{};
    std::uint32_t version = 0;
    std::int64_t order = 0;
    std::vector<std::pair<FieldId, WipingBuffer::Place>> values;  // ascending by field
  };
  std::optional<Reason> failed;  // then nothing of the dataset can be shown
  std::vector<FieldId> dirty;    // these were sent, and break their rules
  std::vector<Record> records;   // in the order shown
  WipingBuffer text;
};

/// LiveCells is one reply: rows of cells, one a field of the dataset; what was not asked for is
/// empty.
using LiveCells = std::vector<std::vector<std::string>>;

/// judge_live turns a reply into what may be shown, and keeps it. Errors: department_reply_wrong
/// (about somebody else), department_value_wrong (a key, or the same record twice), erased, those
/// of the store and the vault.
Result<LiveFound> judge_live(Archive& archive, const Dataset& dataset, const LiveWant& want,
                             const LiveCells& cells);

/// asked_of lists the fields a question needs: the ID, the key, what is granted, and the window's
/// where there is one.
std::vector<std::size_t> asked_of(const Dataset& dataset, const LiveWant& want);

/// LiveLine is one connection to a department. Not thread-safe.
class LiveLine {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  virtual ~LiveLine() = default;
  /// ask reads the rows of one ID, the fields in `asked` alone. Errors: department_silent,
  /// department_reply_wrong.
  virtual Result<LiveCells> ask(std::string_view id, const std::vector<std::size_t>& asked,
                                Deadline deadline) = 0;
  /// examine tries the source without a citizen and lists what to change. Errors: as ask's.
  virtual Result<std::vector<std::string>> examine(Deadline deadline) = 0;
};
std::unique_ptr<LiveLine> live_line(const Dataset& dataset);

/// rest_body is what is sent to a REST interface; rest_cells reads what comes back. Errors:
/// department_reply_wrong.
std::string rest_body(const Dataset& dataset, std::string_view id,
                      const std::vector<std::size_t>& asked);
Result<LiveCells> rest_cells(const Dataset& dataset, std::string_view reply,
                             const std::vector<std::size_t>& asked);

/// in_form writes an ID as the department does: each 0 of `form` is a digit. Empty form: the
/// digits.
std::string in_form(std::string_view form, std::string_view digits);

/// LiveDesks are the desks of all live datasets of a catalog.
class LiveDesks {
 public:
  explicit LiveDesks(Archive& archive);
  /// ~LiveDesks waits for the threads, each at most as long as a question may take.
  ~LiveDesks();
  LiveDesks(const LiveDesks&) = delete;
  LiveDesks& operator=(const LiveDesks&) = delete;

  struct Group;
  struct Question;
  class Desk;

  /// Wait asks all of `wants` at once; co_await gives what was found of each, in their order.
  class Wait {
   public:
    Wait(LiveDesks& desks, std::vector<LiveWant> wants);
    ~Wait();
    Wait(Wait&&) noexcept;
    bool await_ready() const { return questions_.empty(); }
    void await_suspend(std::coroutine_handle<> awaiting);
    std::vector<LiveFound> await_resume();

   private:
    LiveDesks& desks_;
    std::vector<std::shared_ptr<Question>> questions_;
  };

  /// Standing is how a department's source fares.
  struct Standing {
    DatasetId dataset{};
    bool resting = false;  // the breaker: not asked just now
    std::uint64_t answered = 0, failed = 0, spared = 0, wrong_values = 0;
    std::string last_failure;  // reason and detail; never a value
  };
  std::vector<Standing> standings() const;

 private:
  Desk& desk(DatasetId dataset);
  std::vector<std::pair<DatasetId, std::unique_ptr<Desk>>> desks_;
};

}  // namespace amanat::registry
