#include "server/notices.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "console/dates.h"
#include "crypto/crypto.h"
#include "ledger/history.h"
#include "net/http.h"
#include "net/toml.h"
#include "storage/file.h"

// Rows of Table::settings, each sealed under the house key with its own key as associated data:
//   notice/wish/<tag>         number, language
//   notice/due/<u64 ms><8>    tag, entry, time, account: a look to be told of, at that time
//   notice/sent/<keyed code>  tag, number, time, text
//   notice/next               u64: the first entry that was not looked at yet

namespace amanat::server {
namespace {

constexpr std::string_view kUse = "notices", kWish = "notice/wish/", kDue = "notice/due/",
                           kSent = "notice/sent/", kNext = "notice/next";
constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::uint64_t kMinuteMs = 60'000, kDayMs = 86'400'000, kHourMs = 3'600'000;
constexpr std::size_t kCodeLetters = 10, kNumberMax = 20, kTold = 5;
constexpr std::size_t kGuessesOfOne = 10, kGuessesOfAll = 600;
constexpr unsigned kTellAtHour = 9;  // local time of the day's summary

void put(std::string& out, std::uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift));
}
std::uint64_t get(std::string_view bytes, std::size_t at) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < 8; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
  return n;
}
std::string_view text_of(const Tag& tag) {
  return {reinterpret_cast<const char*>(tag.data()), tag.size()};
}

/// Due is one look that its citizen is to be told of.
struct Due {
  std::string key;
  Tag citizen{};
  std::uint64_t entry = 0, account = 0;
  Moment time{};
};

std::string encode(const Due& due) {
  std::string out(text_of(due.citizen));
  put(out, due.entry);
  put(out, number(due.time));
  put(out, due.account);
  return out;
}
std::optional<Due> decode_due(std::string_view bytes) {
  Due due;
  if (bytes.size() != due.citizen.size() + 24) return std::nullopt;
  std::memcpy(due.citizen.data(), bytes.data(), due.citizen.size());
  due.entry = get(bytes, due.citizen.size());
  due.time = Moment{get(bytes, due.citizen.size() + 8)};
  due.account = get(bytes, due.citizen.size() + 16);
  return due;
}

/// Guesses counts who tried how often within the last minute. Bounded: beyond a thousand places
/// only all of them together count.
class Guesses {
 public:
  bool may(std::string_view from, std::uint64_t at) {
    while (!all_.empty() && all_.front().first + kMinuteMs <= at) {
      const auto one = of_.find(all_.front().second);
      if (one != of_.end() && --one->second == 0) of_.erase(one);
      all_.pop_front();
    }
    if (all_.size() >= kGuessesOfAll) return false;
    std::size_t& own = of_[std::string(from)];
    if (own >= kGuessesOfOne) return false;
    ++own;
    all_.emplace_back(at, std::string(from));
    return true;
  }

 private:
  std::deque<std::pair<std::uint64_t, std::string>> all_;
  std::map<std::string, std::size_t> of_;
};

}  // namespace

std::string notice_code(std::span<const std::uint8_t, 7> bits) {
  std::uint64_t n = 0;
  for (const std::uint8_t byte : bits) n = n << 8 | byte;
  std::string code;
  for (std::size_t i = 0; i < kCodeLetters; ++i, n >>= 5) {
    if (i == kCodeLetters / 2) code.push_back('-');
    code.push_back(kLetters[n & 31]);
  }
  return code;
}

std::optional<std::string> code_typed(std::string_view text) {
  std::string code;
  for (char c : text) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    if (kLetters.find(c) == std::string_view::npos || code.size() == kCodeLetters)
      return std::nullopt;
    code.push_back(c);
  }
  if (code.size() != kCodeLetters) return std::nullopt;
  return code;
}

struct Notices::State {
  State(storage::Store& s, vault::Vault& v, Options o)
      : store(s), vault(v), options(std::move(o)) {}
  storage::Store& store;
  vault::Vault& vault;
  Options options;
  mutable std::mutex mutex;
  std::map<Tag, Wish> wishes;
  std::map<Label, Tag> labels;  // of those who wish
  std::uint64_t next = 0;
  std::size_t due_rows = 0;
  Guesses guesses;
  std::deque<std::uint64_t> sent_at;  // within the last minute
  std::uint64_t quiet_until = 0;      // the gateway did not answer

  std::string sealed(const std::string& key, std::string_view plain) const {
    std::string out;
    vault.seal_house(kUse, key, plain, out);
    return out;
  }
  Result<std::string> opened(std::string_view key, std::string_view sealed) const {
    WipingBuffer plain;
    if (auto ok = vault.open_house(kUse, key, sealed, plain); !ok)
      return std::unexpected(ok.error());
    return std::string(plain.view());
  }
  Result<void> write(const storage::Batch& batch) {
    return store.write(batch, storage::Durability::synced);
  }

  void index(const Tag& citizen) {
    if (const auto label = options.label_of(citizen)) labels[*label] = citizen;
  }
  std::string sent_key(std::string_view code) const {
    const Tag name = vault.index_tag("notice", code);
    return std::string(kSent) + std::string(text_of(name));
  }

  // The time at which a look is told of: now, or at the next nine o'clock.
  std::uint64_t due_at(When when, std::uint64_t at) const {
    if (when == When::at_once) return at;
    const auto zone = static_cast<std::int64_t>(options.zone_minutes) * 60'000;
    const auto local = static_cast<std::uint64_t>(static_cast<std::int64_t>(at) + zone);
    std::uint64_t nine = local / kDayMs * kDayMs + kTellAtHour * kHourMs;
    if (nine <= local) nine += kDayMs;
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(nine) - zone);
  }

  void take(const ledger::Opened& entry, storage::Batch& batch) {
    if (entry.type != EntryType::disclosure || !entry.subject || !entry.actor) return;
    std::optional<Tag> citizen;
    {
      const std::lock_guard one(mutex);
      const auto at = labels.find(*entry.subject);
      if (at == labels.end()) return;
      citizen = at->second;
    }
    if (options.is_invented && options.is_invented(*entry.subject)) return;
    const auto& purpose = entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1];
    const When when = options.when(purpose);
    if (when == When::never) return;
    std::array<std::uint8_t, 8> salt{};
    crypto::random_bytes(salt);
    // Sealed for the citizen: not before it opens (invariant 3).
    const auto opens =
        ledger::sealed_until(entry.parts[static_cast<std::size_t>(BodyPart::export_id) - 1]);
    std::string key(kDue);
    put(key, std::max(due_at(when, number(entry.time)), opens ? number(*opens) : 0));
    key.append(reinterpret_cast<const char*>(salt.data()), salt.size());
    const Due due{key, *citizen, number(entry.index), number(entry.actor->account), entry.time};
    batch.put(storage::Table::settings, key, sealed(key, encode(due)));
  }

  std::string text(const Wish& wish, const std::vector<Due>& looks, std::string_view code) const {
    using console::Word;
    const auto l = wish.language;
    const console::Zone zone{options.zone_minutes};
    std::string out;
    for (std::size_t i = 0; i < looks.size() && i < kTold; ++i) {
      const auto office = options.office(AccountId{static_cast<std::uint32_t>(looks[i].account)});
      out += office ? office->first + ", " + office->second
                    : std::string(console::say(Word::an_office, l));
      out += " · " + console::written(looks[i].time, zone, l) + " · " +
             console::say_plainly(Word::entry_number, l, std::to_string(looks[i].entry)) + "\n";
    }
    if (looks.size() > kTold)
      out += console::say_plainly(Word::and_more, l, std::to_string(looks.size() - kTold)) + "\n";
    return std::string(console::say(Word::notice_begins, l)) + "\n" + out +
           console::say_plainly(Word::notice_code_is, l, code) + " " +
           console::say_plainly(Word::notice_ends, l, options.page);
  }

  Result<std::vector<std::vector<Due>>> due_now(Moment at) {
    std::map<Tag, std::vector<Due>> by_citizen;
    std::string end(kDue);
    put(end, number(at) + 1);
    Result<void> ok;
    auto scanned = store.scan(
        storage::Table::settings, kDue, "", [&](std::string_view key, std::string_view value) {
          if (key >= end) return false;
          auto plain = opened(key, value);
          auto due = plain ? decode_due(*plain) : std::nullopt;
          if (!due) {
            ok = plain ? fail(Reason::seal_broken, "a notice") : std::unexpected(plain.error());
            return false;
          }
          due->key = key;
          by_citizen[due->citizen].push_back(*std::move(due));
          return true;
        });
    if (!scanned) return std::unexpected(scanned.error());
    if (!ok) return std::unexpected(ok.error());
    std::vector<std::vector<Due>> out;
    for (auto& [citizen, looks] : by_citizen) out.push_back(std::move(looks));
    return out;
  }

  Result<void> send(const std::vector<Due>& looks, Moment at) {
    storage::Batch gone;
    for (const Due& due : looks) gone.erase(storage::Table::settings, due.key);
    std::optional<Wish> wish;
    {
      const std::lock_guard one(mutex);
      if (const auto found = wishes.find(looks.front().citizen); found != wishes.end())
        wish = found->second;
    }
    if (!wish) return write(gone);  // no longer wished
    std::array<std::uint8_t, 7> bits{};
    crypto::random_bytes(bits);
    const std::string code = notice_code(bits);
    const std::string said = text(*wish, looks, code);
    // The code first (invariant 1): whoever gets the text can check it.
    std::string plain(text_of(looks.front().citizen));
    plain.push_back(static_cast<char>(wish->number.size()));
    plain += wish->number;
    put(plain, number(at));
    plain += said;
    const std::string key = sent_key(*code_typed(code));
    storage::Batch batch;
    batch.put(storage::Table::settings, key, sealed(key, plain));
    if (auto written = write(batch); !written) return written;
    if (auto sent = options.send(wish->number, said, wish->language); !sent) {
      storage::Batch undone;
      undone.erase(storage::Table::settings, key);
      if (auto written = write(undone); !written) return written;
      return sent;
    }
    return write(gone);
  }
};

Notices::Notices(std::unique_ptr<State> state) : state_(std::move(state)) {}
Notices::~Notices() = default;

Result<std::unique_ptr<Notices>> Notices::open(storage::Store& store, vault::Vault& vault,
                                               Options options) {
  auto state = std::make_unique<State>(store, vault, std::move(options));
  State& s = *state;
  Result<void> ok;
  auto scanned = store.scan(
      storage::Table::settings, kWish, "", [&](std::string_view key, std::string_view value) {
        auto plain = s.opened(key, value);
        if (!plain || plain->size() < 2 || key.size() != kWish.size() + sizeof(Tag)) {
          ok = plain ? fail(Reason::seal_broken, "a wish") : std::unexpected(plain.error());
          return false;
        }
        Tag tag{};
        std::memcpy(tag.data(), key.data() + kWish.size(), tag.size());
        s.wishes[tag] = Wish{plain->substr(1), (*plain)[0] == 1 ? console::Language::urdu
                                                                : console::Language::english};
        s.index(tag);
        return true;
      });
  if (!scanned) return std::unexpected(scanned.error());
  if (!ok) return std::unexpected(ok.error());
  std::string value;
  auto found = store.get(storage::Table::settings, kNext, value);
  if (!found) return std::unexpected(found.error());
  if (*found) {
    auto plain = s.opened(kNext, value);
    if (!plain) return std::unexpected(plain.error());
    if (plain->size() == 8) s.next = get(*plain, 0);
  }
  return std::unique_ptr<Notices>(new Notices(std::move(state)));
}

Result<void> Notices::wish(const Tag& citizen, const std::optional<Wish>& wish) {
  State& s = *state_;
  const std::string key = std::string(kWish) + std::string(text_of(citizen));
  storage::Batch batch;
  if (wish) {
    insist(!wish->number.empty() && wish->number.size() <= kNumberMax);
    std::string plain(1, wish->language == console::Language::urdu ? '\1' : '\0');
    batch.put(storage::Table::settings, key, s.sealed(key, plain + wish->number));
  } else {
    batch.erase(storage::Table::settings, key);
  }
  if (auto written = s.write(batch); !written) return written;
  const std::lock_guard one(s.mutex);
  std::erase_if(s.labels, [&](const auto& row) { return row.second == citizen; });
  if (!wish) {
    s.wishes.erase(citizen);
    return {};
  }
  s.wishes[citizen] = *wish;
  s.index(citizen);
  return {};
}

std::optional<Wish> Notices::wish_of(const Tag& citizen) const {
  const std::lock_guard one(state_->mutex);
  const auto found = state_->wishes.find(citizen);
  if (found == state_->wishes.end()) return std::nullopt;
  return found->second;
}

Result<void> Notices::follow(const Scan& scan, std::uint64_t size, Moment at) {
  State& s = *state_;
  if (s.next < size) {
    storage::Batch batch;
    std::uint64_t seen = s.next;
    bool anybody = false;
    {
      const std::lock_guard one(s.mutex);
      anybody = !s.labels.empty();
      // A label may be made after the wish: nobody is named in the ledger before it.
      if (!anybody)
        for (const auto& [tag, wish] : s.wishes) s.index(tag);
      anybody = anybody || !s.labels.empty();
    }
    if (anybody) {
      auto scanned = scan(EntryIndex{s.next}, [&](const ledger::Opened& entry) {
        s.take(entry, batch);
        seen = number(entry.index) + 1;
        return seen < s.next + 20'000;
      });
      if (!scanned) return scanned;
    } else {
      seen = size;
    }
    std::string plain;
    put(plain, seen);
    batch.put(storage::Table::settings, kNext, s.sealed(std::string(kNext), plain));
    if (auto written = s.write(batch); !written) return written;
    s.next = seen;
  }
  if (number(at) < s.quiet_until) return {};
  auto due = s.due_now(at);
  if (!due) return std::unexpected(due.error());
  for (const auto& looks : *due) {
    while (!s.sent_at.empty() && s.sent_at.front() + kMinuteMs <= number(at)) s.sent_at.pop_front();
    if (s.sent_at.size() >= s.options.a_minute_max) break;
    if (auto sent = s.send(looks, at); !sent) {
      s.quiet_until = number(at) + 30'000;
      return sent;
    }
    s.sent_at.push_back(number(at));
  }
  return {};
}

Result<std::optional<SentNotice>> Notices::check(std::string_view code, std::string_view number_,
                                                 std::string_view from, Moment at) {
  State& s = *state_;
  {
    const std::lock_guard one(s.mutex);
    if (!s.guesses.may(from, number(at))) return fail(Reason::too_many_guesses);
  }
  const auto meant = code_typed(code);
  if (!meant) return std::nullopt;
  const std::string key = s.sent_key(*meant);
  std::string value;
  auto found = s.store.get(storage::Table::settings, key, value);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  auto plain = s.opened(key, value);
  if (!plain) return std::unexpected(plain.error());
  constexpr std::size_t kAt = sizeof(Tag);
  const std::size_t n = plain->size() > kAt ? static_cast<unsigned char>((*plain)[kAt]) : 0;
  if (plain->size() < kAt + 1 + n + 8) return fail(Reason::seal_broken, "a notice");
  const std::string_view sent_to = std::string_view(*plain).substr(kAt + 1, n);
  if (!crypto::equal(crypto::bytes_of(sent_to), crypto::bytes_of(number_))) return std::nullopt;
  return SentNotice{std::string(sent_to), plain->substr(kAt + 1 + n + 8),
                    Moment{get(*plain, kAt + 1 + n)}};
}

Result<void> Notices::forget(const Tag& citizen) {
  if (auto ended = wish(citizen, std::nullopt); !ended) return ended;
  State& s = *state_;
  storage::Batch batch;
  // What waits and what was sent both begin with whom they are about.
  for (const std::string_view rows : {kDue, kSent}) {
    Result<void> ok;
    auto scanned = s.store.scan(storage::Table::settings, rows, "",
                                [&](std::string_view key, std::string_view value) {
                                  auto plain = s.opened(key, value);
                                  if (!plain) ok = std::unexpected(plain.error());
                                  if (plain && plain->starts_with(text_of(citizen)))
                                    batch.erase(storage::Table::settings, key);
                                  return ok.has_value();
                                });
    if (!scanned) return scanned;
    if (!ok) return ok;
  }
  return batch.empty() ? Result<void>{} : s.write(batch);
}

Result<std::optional<NoticeSettings>> read_notice_settings(const std::string& file) {
  struct stat there;
  if (::stat(file.c_str(), &there) != 0) return std::nullopt;
  auto text = storage::read_file(file, 64 * 1024);
  if (!text) return std::unexpected(text.error());
  auto parsed = net::parse_toml(*text, file);
  if (!parsed) return std::unexpected(parsed.error());
  net::TomlReader reader(*parsed, file, Reason::config_wrong);
  NoticeSettings settings;
  const std::pair<const char*, std::string*> words[] = {
      {"gateway", &settings.gateway}, {"ca", &settings.ca_file},
      {"user", &settings.user},       {"password_file", &settings.password_file},
      {"sender", &settings.sender},   {"page", &settings.page}};
  for (const auto& [key, to] : words) {
    auto value = reader.string(key);
    if (!value) return std::unexpected(value.error());
    *to = *std::move(value);
  }
  auto most = reader.integer_or("a_minute_max", settings.a_minute_max, 1, 100'000);
  if (!most) return std::unexpected(most.error());
  settings.a_minute_max = static_cast<unsigned>(*most);
  if (auto done = reader.finish(); !done) return std::unexpected(done.error());
  if (!settings.gateway.starts_with("https://"))
    return fail(Reason::config_wrong, file + ": gateway is an https:// address");
  return settings;
}

Notices::Send gateway_send(NoticeSettings settings) {
  return [settings = std::move(settings)](std::string_view number, std::string_view text,
                                          console::Language) -> Result<void> {
    const std::size_t slash = settings.gateway.find('/', 8);
    net::ClientOptions options;
    options.url = settings.gateway.substr(0, slash);
    options.ca_file = settings.ca_file;
    options.seconds_max = 10;
    auto password = storage::read_file(settings.password_file, 4096);
    if (!password) return std::unexpected(password.error());
    while (!password->empty() && password->back() == '\n') password->pop_back();
    auto client = net::Client::connect(options);
    if (!client) return std::unexpected(client.error());
    net::Client::Headers headers = {{"X-Kannel-Username", settings.user},
                                    {"X-Kannel-Password", *password},
                                    {"X-Kannel-From", settings.sender},
                                    {"X-Kannel-To", "+" + std::string(number)},
                                    {"X-Kannel-Coding", "2"}};
    const std::string target =
        slash == std::string::npos ? "/cgi-bin/sendsms" : settings.gateway.substr(slash);
    auto response = client->ask_with(headers, "POST", target, text, "text/plain; charset=UTF-8");
    wipe(password->data(), password->size());
    if (!response) return std::unexpected(response.error());
    if (response->status < 200 || response->status > 299)
      return fail(Reason::peer_unreachable, "the gateway said " + std::to_string(response->status));
    return {};
  };
}

}  // namespace amanat::server
