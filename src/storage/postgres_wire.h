#pragma once
// PostgreSQL's wire, over libpq: one connection, in pipeline mode for good, so that whatever is
// sent together costs one round trip. Private to storage. A Link is used by one thread at a time.
// No server message is ever passed on: it may quote a key or a value. What leaves is the SQLSTATE.

#include <cstdint>
#include <expected>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/result.h"

struct pg_conn;
struct pg_result;

namespace amanat::storage::pg {

/// Fault is why something was not done: the server's SQLSTATE, or a connection that is no more, in
/// which case a commit under way may have happened.
struct Fault {
  std::string sqlstate;
  bool lost = false;
  std::string text;  // of a connection that could not be made: host and cause

  /// passing says that the same may succeed on a new connection or in a moment.
  bool passing() const;
  /// moved says that a table is not where it was: Citus moved its shard.
  bool moved() const;
  Failure as_failure() const;
};
template <class T>
using Reply = std::expected<T, Fault>;

/// Target is what to connect to: libpq's keywords and values.
class Target {
 public:
  /// parse reads a postgresql:// URL and adds what it left out. Errors: config_wrong (a password in
  /// it, no host, or a host on the network without sslmode=verify-full).
  static Result<Target> parse(const std::string& url);
  /// at is the same database, user and certificates on another server.
  Target at(const std::string& host, const std::string& port) const;

 private:
  friend class Link;
  std::vector<std::pair<std::string, std::string>> words_;
};

/// Rows is one statement's result, in binary.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}
  Rows(Rows&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
  Rows& operator=(Rows&& other) noexcept {
    std::swap(result_, other.result_);
    return *this;
  }
  ~Rows();
  std::size_t size() const;
  /// bytes is a cell's content; it lives as long as the rows.
  std::string_view bytes(std::size_t row, int column) const;
  /// number is an int4 or int8 cell.
  std::int64_t number(std::size_t row, int column) const;

 private:
  pg_result* result_;
};

/// Statement is SQL; with a name it is prepared on the connection when it is first used there.
struct Statement {
  std::string name;
  std::string sql;
};

class Link {
 public:
  static Reply<std::unique_ptr<Link>> dial(const Target& target);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// send queues a statement; parameters are in binary and copied.
  void send(const Statement& statement, std::span<const std::string_view> parameters = {});
  /// push sends what is queued without waiting, so that several servers work at once; answers()
  /// comes next.
  void push();
  /// answers sends what is queued and returns every statement's rows, or the first fault; then none
  /// of what was queued outside a transaction is in force.
  Reply<std::vector<Rows>> answers(int seconds_max = kAnswerSeconds);
  Reply<std::vector<Rows>> answers_within(std::int64_t milliseconds);
  /// ask is send() and answers() of one statement.
  Reply<Rows> ask(const Statement& statement, std::span<const std::string_view> parameters = {},
                  int seconds_max = kAnswerSeconds);
  bool lost() const { return lost_; }
  /// warned says whether the server has sent a warning so far: a COMMIT that was cancelled while it
  /// waited for the standby succeeds with one.
  bool warned() const { return warned_; }

  static constexpr int kAnswerSeconds = 30;

 private:
  explicit Link(pg_conn* connection) : connection_(connection) {}
  bool turn(std::int64_t deadline_ms);
  Reply<std::vector<Rows>> collect(std::int64_t deadline_ms);

  pg_conn* connection_;
  std::set<std::string, std::less<>> prepared_;
  std::vector<std::string> preparing_;  // since the last answers()
  std::vector<bool> expected_;          // of each queued command: is it a statement's rows?
  bool pushed_ = false;
  bool lost_ = false;
  bool warned_ = false;
};

/// int_parameter is an int8 as a binary parameter.
std::string int_parameter(std::int64_t value);

/// ArrayParameter builds a binary bytea[] or int8[].
class ArrayParameter {
 public:
  enum class Of : std::uint32_t { bytea = 17, int8 = 20 };
  explicit ArrayParameter(Of of);
  void add(std::string_view element);
  /// text is the parameter; call it once nothing more is added.
  std::string_view text();
  std::uint32_t size() const { return count_; }
  std::size_t bytes() const { return text_.size(); }

 private:
  std::string text_;
  std::uint32_t count_ = 0;
};

}  // namespace amanat::storage::pg
