#include "storage/postgres_wire.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <chrono>

#include "model/insist.h"

namespace amanat::storage::pg {
namespace {

constexpr int kBinary = 1;

// What a URL leaves out. A dead peer is noticed within about ten seconds; of several hosts the one
// that takes writes is meant (Patroni's primary).
constexpr std::pair<const char*, const char*> kStandard[] = {
    {"application_name", "amanat"}, {"connect_timeout", "3"},
    {"keepalives_idle", "5"},       {"keepalives_interval", "2"},
    {"keepalives_count", "3"},      {"tcp_user_timeout", "10000"},
    {"gssencmode", "disable"},      {"target_session_attrs", "read-write"}};

std::int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::unexpected<Fault> lost_fault(std::string text) {
  return std::unexpected(Fault{{}, true, std::move(text)});
}

// The first line of libpq's words on a connection that failed: address and cause, no value of ours.
std::string first_line(const char* text) {
  const std::string_view all = text == nullptr ? "" : text;
  return std::string(all.substr(0, std::min(all.find('\n'), std::size_t{200})));
}

// On the network nothing but TLS to a server whose certificate and name are checked; a socket of
// this machine is as safe as its directory.
Result<void> check_transport(const std::string& hosts, const std::string& mode) {
  if (hosts.empty()) return fail(Reason::config_wrong, "store: the URL names no host");
  bool network = false;
  for (std::size_t at = 0; at <= hosts.size();) {
    const std::size_t end = std::min(hosts.find(',', at), hosts.size());
    network = network || hosts[at] != '/';
    at = end + 1;
  }
  if (network && mode != "verify-full")
    return fail(Reason::config_wrong, "store: a host on the network needs sslmode=verify-full");
  return {};
}

}  // namespace

bool Fault::passing() const {
  // Serialisation failures, deadlocks, a server that stops, starts or became a standby, too many
  // connections just now.
  static constexpr std::string_view kCodes[] = {"40001", "40P01", "57P01", "57P02",
                                                "57P03", "25006", "53300", "55P03"};
  return lost || sqlstate.starts_with("08") ||
         std::find(std::begin(kCodes), std::end(kCodes), sqlstate) != std::end(kCodes);
}

bool Fault::moved() const { return sqlstate == "42P01"; }

Failure Fault::as_failure() const {
  if (sqlstate == "53100") return {Reason::disk_full, "PostgreSQL 53100"};
  if (!sqlstate.empty()) return {Reason::store_failed, "PostgreSQL " + sqlstate};
  return {Reason::store_failed, text.empty() ? "PostgreSQL does not answer" : text};
}

Result<Target> Target::parse(const std::string& url) {
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://"))
    return fail(Reason::config_wrong, "store is a URL that begins with postgresql://");
  char* complaint = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), &complaint), PQconninfoFree);
  PQfreemem(complaint);  // it may quote a password
  if (!options) return fail(Reason::config_wrong, "store: libpq cannot read the URL");
  Target target;
  std::string hosts, mode;
  for (const auto* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    const std::string_view word = o->keyword;
    if (word == "password" || word == "sslpassword")
      return fail(Reason::config_wrong,
                  "store: no password in the URL; use a client certificate or passfile=");
    if (word == "host") hosts = o->val;
    if (word == "sslmode") mode = o->val;
    target.words_.emplace_back(word, o->val);
  }
  if (mode.empty()) target.words_.emplace_back("sslmode", mode = "verify-full");
  if (hosts.starts_with('/')) {
    std::erase_if(target.words_, [](const auto& w) { return w.first == "sslmode"; });
    target.words_.emplace_back("sslmode", "disable");  // libpq has no TLS over a local socket
  }
  if (auto safe = check_transport(hosts, mode); !safe) return std::unexpected(safe.error());
  for (const auto& [word, value] : kStandard)
    if (std::none_of(target.words_.begin(), target.words_.end(),
                     [w = word](const auto& have) { return have.first == w; }))
      target.words_.emplace_back(word, value);
  return target;
}

Target Target::at(const std::string& host, const std::string& port) const {
  Target other = *this;
  std::erase_if(other.words_, [](const auto& w) {
    return w.first == "host" || w.first == "port" || w.first == "hostaddr";
  });
  other.words_.emplace_back("host", host);
  other.words_.emplace_back("port", port);
  return other;
}

Rows::~Rows() { PQclear(result_); }
std::size_t Rows::size() const { return static_cast<std::size_t>(PQntuples(result_)); }
std::string_view Rows::bytes(std::size_t row, int column) const {
  const int r = static_cast<int>(row);
  insist(row < size() && column < PQnfields(result_));
  return {PQgetvalue(result_, r, column),
          static_cast<std::size_t>(PQgetlength(result_, r, column))};
}
std::int64_t Rows::number(std::size_t row, int column) const {
  const std::string_view cell = bytes(row, column);
  insist(cell.size() == 4 || cell.size() == 8);
  std::uint64_t value = 0;
  for (const char c : cell) value = value << 8 | static_cast<std::uint8_t>(c);
  return cell.size() == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
}

Reply<std::unique_ptr<Link>> Link::dial(const Target& target) {
  std::vector<const char*> words, values;
  for (const auto& [word, value] : target.words_) {
    words.push_back(word.c_str());
    values.push_back(value.c_str());
  }
  words.push_back(nullptr);
  values.push_back(nullptr);
  std::unique_ptr<Link> link(new Link(PQconnectdbParams(words.data(), values.data(), 0)));
  if (link->connection_ == nullptr) return lost_fault("no memory for a connection");
  if (PQstatus(link->connection_) != CONNECTION_OK)
    return lost_fault(first_line(PQerrorMessage(link->connection_)));
  PQsetNoticeReceiver(
      link->connection_,
      [](void* self, const pg_result* notice) {
        const char* grade = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
        if (grade != nullptr && std::string_view(grade) == "WARNING")
          static_cast<Link*>(self)->warned_ = true;
      },
      link.get());
  if (PQsetnonblocking(link->connection_, 1) != 0 || PQenterPipelineMode(link->connection_) != 1)
    return lost_fault("the connection takes no pipeline");
  // A synced write waits for the disk (and the standby) whatever the server's own standard is.
  link->send({"",
              "SELECT set_config('synchronous_commit', 'on', false) WHERE "
              "current_setting('synchronous_commit') IN ('off', 'local')"});
  link->send({"", "SET default_transaction_isolation TO 'read committed'"});
  if (auto set = link->answers(); !set) return std::unexpected(set.error());
  return link;
}

Link::~Link() { PQfinish(connection_); }

void Link::send(const Statement& statement, std::span<const std::string_view> parameters) {
  const int count = static_cast<int>(parameters.size());
  std::vector<const char*> values(parameters.size());
  std::vector<int> sizes(parameters.size()), formats(parameters.size(), kBinary);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    // A null pointer would be SQL's NULL, and an empty view may be one.
    values[i] = parameters[i].data() == nullptr ? "" : parameters[i].data();
    sizes[i] = static_cast<int>(parameters[i].size());
  }
  int sent = 0;
  if (statement.name.empty()) {
    sent = PQsendQueryParams(connection_, statement.sql.c_str(), count, nullptr, values.data(),
                             sizes.data(), formats.data(), kBinary);
  } else {
    if (!prepared_.contains(statement.name)) {
      if (PQsendPrepare(connection_, statement.name.c_str(), statement.sql.c_str(), 0, nullptr) !=
          1)
        lost_ = true;
      prepared_.insert(statement.name);
      preparing_.push_back(statement.name);
      expected_.push_back(false);
    }
    sent = PQsendQueryPrepared(connection_, statement.name.c_str(), count, values.data(),
                               sizes.data(), formats.data(), kBinary);
  }
  expected_.push_back(true);
  if (sent != 1) lost_ = true;
}

// turn writes what is buffered, and waits until there is something to read. False: lost or late.
bool Link::turn(std::int64_t deadline_ms) {
  const int flushing = PQflush(connection_);
  if (flushing < 0) return false;
  const std::int64_t left = deadline_ms - now_ms();
  if (left <= 0) return false;
  pollfd wait{PQsocket(connection_), static_cast<short>(flushing > 0 ? POLLIN | POLLOUT : POLLIN),
              0};
  if (::poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 1000))) < 0 && errno != EINTR)
    return false;
  return (wait.revents & (POLLIN | POLLERR | POLLHUP)) == 0 || PQconsumeInput(connection_) == 1;
}

Reply<std::vector<Rows>> Link::collect(std::int64_t deadline_ms) {
  std::vector<Rows> rows;
  Fault fault;
  for (std::size_t command = 0;;) {
    if (PQflush(connection_) < 0) return lost_fault("");
    while (PQisBusy(connection_) != 0)
      if (!turn(deadline_ms)) return lost_fault("");
    pg_result* const result = PQgetResult(connection_);
    if (result == nullptr) {
      ++command;  // the end of one command's results
      if (PQstatus(connection_) != CONNECTION_OK || command > expected_.size() + 1)
        return lost_fault("");
      continue;
    }
    Rows one(result);
    switch (PQresultStatus(result)) {
      case PGRES_PIPELINE_SYNC:
        if (!fault.sqlstate.empty()) return std::unexpected(std::move(fault));
        return rows;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (command < expected_.size() && expected_[command]) rows.push_back(std::move(one));
        break;
      case PGRES_PIPELINE_ABORTED:
        break;
      default:
        if (fault.sqlstate.empty()) {
          const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
          if (state == nullptr) return lost_fault("");
          fault.sqlstate = state;
        }
    }
  }
}

void Link::push() {
  insist(!pushed_);
  pushed_ = true;
  if (lost_ || PQpipelineSync(connection_) != 1 || PQflush(connection_) < 0) lost_ = true;
}

Reply<std::vector<Rows>> Link::answers(int seconds_max) {
  return answers_within(std::int64_t{seconds_max} * 1000);
}

Reply<std::vector<Rows>> Link::answers_within(std::int64_t milliseconds) {
  if (!pushed_) push();
  pushed_ = false;
  if (lost_) return lost_fault("");
  auto rows = collect(now_ms() + milliseconds);
  if (!rows) {
    // Whether these were prepared is not known; a name used twice would be a fault of its own.
    lost_ = lost_ || rows.error().lost || !preparing_.empty();
  }
  expected_.clear();
  preparing_.clear();
  return rows;
}

Reply<Rows> Link::ask(const Statement& statement, std::span<const std::string_view> parameters,
                      int seconds_max) {
  send(statement, parameters);
  auto rows = answers(seconds_max);
  if (!rows) return std::unexpected(rows.error());
  insist(rows->size() == 1);
  return std::move(rows->front());
}

std::string int_parameter(std::int64_t value) {
  std::string out;
  append_u32(out, static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) >> 32));
  append_u32(out, static_cast<std::uint32_t>(value));
  return out;
}

// PostgreSQL's array_send: dimensions, has-null flag, element type, length, lower bound, elements.
ArrayParameter::ArrayParameter(Of of) {
  append_u32(text_, 1);
  append_u32(text_, 0);
  append_u32(text_, static_cast<std::uint32_t>(of));
  append_u32(text_, 0);  // the length, known at the end
  append_u32(text_, 1);
}
void ArrayParameter::add(std::string_view element) {
  append_u32(text_, static_cast<std::uint32_t>(element.size()));
  text_.append(element);
  ++count_;
}
std::string_view ArrayParameter::text() {
  std::string length;
  append_u32(length, count_);
  text_.replace(12, 4, length);
  return text_;
}

}  // namespace amanat::storage::pg
