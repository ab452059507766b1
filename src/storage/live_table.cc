#include "storage/live_table.h"

#include <libpq-fe.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>

#include "model/insist.h"
#include "storage/file.h"

namespace amanat::storage {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kCellCharactersMax = 65'537;  // one more than any field may have
constexpr std::uint64_t kWireSlack = 64 * 1024;     // protocol and TLS around the cells
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

/// Of libpq's words about a connection the first line alone: address and cause, no value of ours.
std::string first_line(const char* text) {
  const std::string_view all = text == nullptr ? "" : text;
  return std::string(all.substr(0, std::min(all.find('\n'), std::size_t{200})));
}

/// wire_bytes is how much the connection has received in all; nothing where the system does not say
/// (a socket of this machine).
std::optional<std::uint64_t> wire_bytes(int fd) {
  ::tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(::tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
    return std::nullopt;
  return info.tcpi_bytes_received;
}

std::unexpected<Failure> silent(std::string why) {
  return fail(Reason::department_silent, std::move(why));
}
std::unexpected<Failure> wrong(std::string why) {
  return fail(Reason::department_reply_wrong, std::move(why));
}

struct Freed {
  void operator()(pg_result* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<pg_result, Freed>;

std::unexpected<Failure> refused_by_server(const pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string code = state == nullptr ? "" : state;
  const std::string told = "PostgreSQL " + code;
  if (code == "42P01" || code == "3F000") return wrong(told + ": there is no such table");
  if (code == "42703") return wrong(told + ": a column of the catalog is not in the table");
  if (code == "42501") return wrong(told + ": the role may not read it; GRANT SELECT");
  if (code == "42883" || code.starts_with("22"))
    return wrong(told + ": the ID column cannot be compared with an ID; see `form`");
  if (code == "57014") return silent(told + ": it took too long; is the ID column indexed?");
  return silent(told);
}

}  // namespace

struct LiveTable::State {
  LiveTableOptions options;
  pg_conn* connection = nullptr;

  explicit State(LiveTableOptions o) : options(std::move(o)) {}
  ~State() { hang_up(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void hang_up() {
    PQfinish(connection);
    connection = nullptr;
  }
  Result<void> wait(short events, Clock::time_point deadline) const;
  Result<void> connect(Clock::time_point deadline);
  Result<void> connected(Clock::time_point deadline);
  Result<Answer> next(Clock::time_point deadline, std::optional<std::uint64_t> bytes_end);
  Result<LiveRows> collect(std::size_t columns, Clock::time_point deadline);
  Result<LiveRows> ask(const std::string& sql, std::size_t columns, std::string_view id,
                       Clock::time_point deadline);
  std::string relation() const {
    return (options.schema.empty() ? "" : quoted(options.schema) + ".") + quoted(options.table);
  }
};

Result<void> LiveTable::State::wait(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return silent("no answer in time");
    ::pollfd watched{PQsocket(connection), events, 0};
    const int n = ::poll(&watched, 1, static_cast<int>(left) + 1);
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return silent("poll");
  }
}

Result<void> LiveTable::State::connected(Clock::time_point deadline) {
  for (;;) {
    const auto step = PQconnectPoll(connection);
    if (step == PGRES_POLLING_OK) return {};
    if (step == PGRES_POLLING_FAILED) return silent(first_line(PQerrorMessage(connection)));
    if (auto ready = wait(step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline); !ready)
      return ready;
  }
}

Result<void> LiveTable::State::connect(Clock::time_point deadline) {
  const std::string settings =
      "-c default_transaction_read_only=on -c datestyle=ISO -c timezone=UTC -c statement_timeout=" +
      std::to_string(options.total_ms);
  std::string password;
  if (!options.password_file.empty()) {
    auto read = read_private(options.password_file);
    if (!read) return silent(read.error().detail);
    password = *std::move(read);
  }
  std::vector<const char*> words, values;
  const auto set = [&](const char* word, const std::string& value) {
    if (value.empty()) return;
    words.push_back(word);
    values.push_back(value.c_str());
  };
  const std::string authorities = options.ca_file.empty() ? kSystemAuthorities : options.ca_file;
  const std::string mode = options.plain ? "disable" : "verify-full";
  const std::string name = "amanat", utf8 = "UTF8", no = "disable", oldest = "TLSv1.2", none = " ";
  set("host", options.host);
  set("port", options.port);
  set("user", options.user);
  set("dbname", options.database);
  set("password", password);
  set("sslmode", mode);
  set("ssl_min_protocol_version", oldest);
  if (!options.plain) set("sslrootcert", authorities);
  set("sslcert", options.certificate_file);
  set("sslkey", options.key_file);
  // Nothing of the account's own home is used: no ~/.pgpass, no ~/.postgresql.
  if (password.empty()) set("passfile", "/nonexistent");
  if (options.certificate_file.empty()) set("sslcert", "/nonexistent");
  set("gssencmode", no);
  set("application_name", name);
  set("client_encoding", utf8);
  set("options", settings);
  words.push_back(nullptr);
  values.push_back(nullptr);
  connection = PQconnectStartParams(words.data(), values.data(), 0);
  wipe(password.data(), password.size());
  if (connection == nullptr) return silent("no memory for a connection");
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  const auto limit = Clock::now() + std::chrono::milliseconds(options.connect_ms);
  auto made = connected(std::min(limit, deadline));
  if (made && PQsetnonblocking(connection, 1) != 0) made = silent("a connection that blocks");
  if (!made) hang_up();
  return made;
}

/// next waits for one result; null: there is no more.
Result<Answer> LiveTable::State::next(Clock::time_point deadline,
                                      std::optional<std::uint64_t> bytes_end) {
  for (;;) {
    const int flushing = PQflush(connection);
    if (flushing < 0) return silent("the connection ended");
    if (flushing == 0 && PQisBusy(connection) == 0) return Answer(PQgetResult(connection));
    const auto events = static_cast<short>(flushing > 0 ? POLLIN | POLLOUT : POLLIN);
    if (auto ready = wait(events, deadline); !ready) return std::unexpected(ready.error());
    if (PQconsumeInput(connection) != 1) return silent("the connection ended in the middle");
    // libpq keeps a message until it is whole, however long its sender says it is.
    if (const auto now = wire_bytes(PQsocket(connection)); now && bytes_end && *now > *bytes_end)
      return wrong("more bytes than `bytes` allows");
  }
}

Result<LiveRows> LiveTable::State::collect(std::size_t columns, Clock::time_point deadline) {
  LiveRows out;
  std::optional<std::uint64_t> bytes_end = wire_bytes(PQsocket(connection));
  if (bytes_end) *bytes_end += 2 * options.bytes_max + kWireSlack;
  for (;;) {
    auto one = next(deadline, bytes_end);
    if (!one) return std::unexpected(one.error());
    if (*one == nullptr) return out;
    const pg_result* result = one->get();
    const auto status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) continue;  // the end of the rows
    if (status != PGRES_SINGLE_TUPLE) return refused_by_server(result);
    if (PQnfields(result) != static_cast<int>(columns)) return wrong("another number of columns");
    if (out.rows.size() == options.rows_max) return wrong("more rows than `rows` allows");
    auto& row = out.rows.emplace_back();
    for (int c = 0; c < PQnfields(result); ++c)
      row.push_back(out.text.append(
          {PQgetvalue(result, 0, c), static_cast<std::size_t>(PQgetlength(result, 0, c))}));
    if (out.text.size() > options.bytes_max) return wrong("more bytes than `bytes` allows");
  }
}

Result<LiveRows> LiveTable::State::ask(const std::string& sql, std::size_t columns,
                                       std::string_view id, Clock::time_point deadline) {
  const std::string text(id);
  for (bool again = connection != nullptr;; again = false) {
    if (connection == nullptr)
      if (auto made = connect(deadline); !made) return std::unexpected(made.error());
    const char* const value = text.c_str();
    Result<LiveRows> got = silent("the connection ended");
    if (PQsendQueryParams(connection, sql.c_str(), 1, nullptr, &value, nullptr, nullptr, 0) == 1 &&
        PQsetSingleRowMode(connection) == 1)
      got = collect(columns, deadline);
    if (got) return got;
    const bool dead = PQstatus(connection) != CONNECTION_OK ||
                      got.error().detail.starts_with("PostgreSQL 57P");  // it shut the session down
    hang_up();
    // A kept connection may have been closed while nobody asked.
    if (!again || !dead) return got;
  }
}

LiveTable::LiveTable(LiveTableOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
LiveTable::LiveTable(LiveTable&&) noexcept = default;
LiveTable::~LiveTable() = default;

Result<LiveRows> LiveTable::read(const std::vector<std::string>& columns, std::string_view id,
                                 Clock::time_point deadline) {
  insist(!columns.empty() && id.find('\0') == id.npos);
  std::string sql = "SELECT ";
  for (const std::string& column : columns)
    sql += (sql.size() > 7 ? ", left(" : "left(") + quoted(column) + "::text, " +
           std::to_string(kCellCharactersMax) + ")";
  sql += " FROM " + state_->relation() + " WHERE " + quoted(state_->options.id_column) +
         " = $1 LIMIT " + std::to_string(state_->options.rows_max + 1);
  return state_->ask(sql, columns.size(), id, deadline);
}

Result<std::vector<std::string>> LiveTable::examine(const std::vector<std::string>& columns,
                                                    Clock::time_point deadline) {
  // No citizen is asked about: types are read from a statement that has no rows.
  std::string types = "SELECT ";
  for (const std::string& column : columns) types += "pg_typeof(t." + quoted(column) + ")::text, ";
  types +=
      "has_table_privilege($1, 'INSERT, UPDATE, DELETE, TRUNCATE')::text FROM (SELECT 1) one LEFT "
      "JOIN " +
      state_->relation() + " t ON false";
  auto rows = state_->ask(types, columns.size() + 1, state_->relation(), deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows.size() != 1) return wrong("another number of rows");
  std::vector<std::string> out;
  const auto& row = rows->rows[0];
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::string_view type = rows->text.view(row[c]);
    if (type == "bytea" || type == "json" || type == "jsonb" || type.ends_with("[]"))
      out.push_back("column \"" + columns[c] + "\" is of type " + std::string(type) +
                    ": make a view with one plain value");
  }
  if (rows->text.view(row.back()).starts_with("t"))
    out.push_back("the role may write the table: give it SELECT alone");
  return out;
}

}  // namespace amanat::storage
