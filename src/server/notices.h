#pragma once
// server, notices: a citizen who wishes it is told of a look at the own record, by text message,
// through a gateway that speaks Kannel's sendsms over HTTPS. Each notice carries a code; code and
// number together show anybody, on a public page, exactly what the exchange sent and when: the
// answer to forged senders. Thread-safe; one thread calls follow().
//
// Invariants
//  1. A notice's code is durable before the notice leaves, so a genuine one can always be checked.
//  2. A code says nothing without the number it was sent to, and nothing is learned from a wrong
//     pair: guesses are limited by where they come from and by all of them together.
//  3. What is sealed for the citizen is not told of before it opens.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "console/words.h"
#include "ledger/ledger.h"
#include "model/ids.h"
#include "model/result.h"
#include "storage/storage.h"
#include "vault/vault.h"

namespace amanat::server {

/// NoticeSettings is H/notices.toml; without the file nobody is offered notices.
struct NoticeSettings {
  std::string gateway;  // https://host:port/path of sendsms
  std::string ca_file;  // whom the gateway's certificate must chain to
  std::string user, password_file, sender;
  std::string page;  // where a notice is checked, as people type it: "amanat.example"
  unsigned a_minute_max = 60;
};
/// read_notice_settings; nothing if the file is not there. Errors: config_wrong, file_failed.
Result<std::optional<NoticeSettings>> read_notice_settings(const std::string& file);

/// When says how soon a citizen is told of a look; the policy says it of each purpose.
enum class When : std::uint8_t { at_once, daily, never };

/// Wish is how one citizen wants to be told.
struct Wish {
  std::string number;  // E.164 digits, "923001234567"
  console::Language language = console::Language::english;
};

/// SentNotice is what left, and when.
struct SentNotice {
  std::string number, text;
  Moment sent{};
};

class Notices {
 public:
  /// Send hands a text to the gateway. Errors: peer_unreachable, and what it refused.
  using Send = std::function<Result<void>(std::string_view number, std::string_view text,
                                          console::Language language)>;
  struct Options {
    std::string page;  // see NoticeSettings
    unsigned a_minute_max = 60;
    int zone_minutes = 0;
    std::function<When(std::string_view purpose)> when;
    std::function<std::optional<std::pair<std::string, std::string>>(AccountId)> office;
    std::function<std::optional<Label>(const Tag&)> label_of;
    std::function<bool(const Label&)> is_invented;  // nobody is told of a look at these
    Send send;
  };
  /// open reads who wishes to be told. Errors: store_failed, seal_broken.
  static Result<std::unique_ptr<Notices>> open(storage::Store& store, vault::Vault& vault,
                                               Options options);
  ~Notices();

  /// wish sets or, with nothing, ends a citizen's wish; wish_of reads it. Errors: store_failed.
  Result<void> wish(const Tag& citizen, const std::optional<Wish>& wish);
  std::optional<Wish> wish_of(const Tag& citizen) const;

  /// follow takes in the ledger's new entries and sends what is due. `scan` visits durable entries
  /// from an index on; `size` is how many there are. A gateway that does not answer loses nothing:
  /// the notices wait. Errors: those of scan and store.
  using Scan = std::function<Result<void>(EntryIndex from,
                                          const std::function<bool(const ledger::Opened&)>& visit)>;
  Result<void> follow(const Scan& scan, std::uint64_t size, Moment at);

  /// check is what the exchange sent to a number under a code; nothing if it sent no such notice.
  /// Errors: too_many_guesses (of `from`, or of everybody, within a minute), store_failed.
  Result<std::optional<SentNotice>> check(std::string_view code, std::string_view number,
                                          std::string_view from, Moment at);
  /// forget destroys a citizen's wish, what waits to be told and what was sent. Errors:
  /// store_failed, seal_broken.
  Result<void> forget(const Tag& citizen);

 private:
  struct State;
  explicit Notices(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// gateway_send sends through an SMS gateway that speaks Kannel's sendsms by POST over HTTPS: what
/// is said and to whom stands in the request's body and headers, never in an address.
Notices::Send gateway_send(NoticeSettings settings);

/// notice_code writes 50 bits in ten letters of Crockford's base 32, in two groups.
std::string notice_code(std::span<const std::uint8_t, 7> bits);
/// code_typed is a code as it was meant: capitals, without blanks and dashes, O as 0, I and L as 1;
/// nothing if it cannot be one.
std::optional<std::string> code_typed(std::string_view text);

}  // namespace amanat::server
