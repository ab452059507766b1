#pragma once
// The passes of a lookup, in order:
//
//   Caller (identity) -> Grant (policy) -> Clearance (detection) -> Findings (registry)
//     -> Draft (disclosure; not a pass) -> Receipt (ledger) -> Answer (disclosure)
//
// Each has a private constructor and one friend, the only class that may mint it. Each holds the
// one before it, so passes of two questions cannot be mixed. They are move-only; a moved-from pass
// is empty and every accessor insists, so a spent pass cannot be used twice. A pass belongs to one
// thread at a time.
//
// This file alone may name classes of higher rooms, by forward declaration.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/entry.h"
#include "model/field.h"
#include "model/ids.h"
#include "model/insist.h"
#include "model/question.h"
#include "model/result.h"
#include "model/secret.h"

namespace amanat {

namespace identity {
class Identity;
}
namespace policy {
class Policy;
}
namespace detection {
class Detection;
}
namespace registry {
class Registry;
}
namespace disclosure {
class Disclosure;
}
namespace ledger {
class Ledger;
}

/// Asker is who a proven caller is, as plain values.
struct Asker {
  AccountId account{};
  std::string id;  // PO-1000, or a service's id
  std::string department, unit;
  std::vector<std::string> roles;  // ascending
  bool service = false;
  std::optional<Tag> citizen;  // keyed name of the own national ID: a citizen asking of themselves
  std::optional<Tag> own;      // keyed name of an officer's own national ID, where the roster has it
  Actor actor;                 // account + device key
  std::uint64_t epoch = 0;     // of account and device, for revocation
  std::string station, shift;  // of the roster: "Lahore", "08:00-16:00"
};

/// Standing is what a citizen is to the question's case; decided per citizen by the registry,
/// because a search by phone or FIR learns its citizens only there.
enum class Standing : std::uint8_t { named, kin, other };
inline constexpr std::size_t kStandings = 3;

/// SubjectClass is what a citizen is to the asker, or to everybody; a forbid may name one. Decided
/// per citizen, where the citizen is learned.
enum class SubjectClass : std::uint8_t {
  self,
  own_family,
  colleague,        // an officer of the asker's unit
  officer_of_case,  // an officer assigned to the question's case
  protected_person  // on the exchange's list
};
inline constexpr std::size_t kSubjectClasses = 5;

/// FieldRelease is the policy's verdict on one asked field for one standing.
struct FieldRelease {
  FieldId field{};
  Level level = Level::none;
  std::uint8_t mask = 0;                        // index in the field's chain when masked
  Reason withheld = Reason::field_not_granted;  // why, when level is none
};

/// Limit is one window of distinct citizens: exactly `n` pass in any `window_ms`.
struct Limit {
  enum class Per : std::uint8_t { officer, case_, unit } per = Per::officer;
  std::string quota;  // the quota's id
  std::uint32_t n = 0;
  std::uint64_t window_ms = 0;  // 0 = for ever
};

/// Proof says what vouches for a question; greater is worth more.
enum class Proof : std::uint8_t {
  channel,    // the TLS connection alone: leaves nothing an outsider can verify
  signature,  // the device signed exactly this question
  touch       // and a person touched it for exactly this question
};

/// Bounds is what an access token allows at most (RFC 9396); what is released is granted by both
/// the token and the policy.
struct Bounds {
  std::string purpose, case_ref;
  FieldSet fields;
  std::uint32_t max_subjects = 1;
};

/// Asked is what a refusal is filed under once the pass has been handed on: plain values, shared
/// with the Caller they came from. Not a pass.
struct Asked {
  Asker asker;
  Question question;
  std::string evidence;  // canonical evidence bytes (docs/callers.md)
  Moment received{};
  Address from{};  // where the connection came from
  Proof proof = Proof::channel;
  std::string client;              // console's or service's id, as signed
  std::optional<Moment> verified;  // the person's last verification (PIN, fingerprint)
  std::optional<Bounds> bounds;    // of the access token, where one was shown
  std::optional<Act> act;          // confirmed instead of a question
  std::shared_ptr<const std::atomic<bool>> ended;  // true once the credential was withdrawn
};

/// Caller proves who asks. Minted by identity from a live proof over this request.
class Caller {
 public:
  using Content = Asked;
  Caller(Caller&&) noexcept = default;
  Caller& operator=(Caller&&) noexcept = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  const Asker& asker() const { return content().asker; }
  const Question& question() const { return content().question; }
  const std::string& evidence() const { return content().evidence; }
  Proof proof() const { return content().proof; }
  const std::optional<Act>& act() const { return content().act; }
  Moment received() const { return content().received; }
  const Address& from() const { return content().from; }
  std::shared_ptr<const Asked> asked() const {
    insist(content_ != nullptr);
    return content_;
  }

 private:
  friend class identity::Identity;
  explicit Caller(Content c) : content_(std::make_shared<const Content>(std::move(c))) {}
  const Content& content() const {
    insist(content_ != nullptr);
    return *content_;
  }
  std::shared_ptr<const Content> content_;
};

/// Reservation holds what may be spent once (budget units, an approval); it gives it back when dropped before it is committed.
class Reservation {
 public:
  virtual ~Reservation() = default;
};

/// CourtOrder is one in force in the question's case: what it covers, of whom.
struct CourtOrder {
  FieldSet fields;
  std::vector<Tag> subjects;  // ascending; none: whoever the case names
};

/// Narrowed is what forbids take of the citizens of one class: per standing and asked field, no
/// more than this is released. `members` are their keyed names, ascending; null: the asker's
/// family, which the registry knows.
struct Narrowed {
  SubjectClass which{};
  std::shared_ptr<const std::vector<Tag>> members;
  std::string rule;  // the forbid's id
  std::vector<FieldRelease> caps[kStandings];
};

/// ExtractTerms are what bounds a bulk answer: of every grant that takes part, the strictest.
struct ExtractTerms {
  std::uint32_t most = 0;            // citizens in one
  std::vector<std::string> formats;  // ascending
  std::uint64_t keep_ms = 0;         // how long its file may be fetched
};

/// Grant says what the policy releases, per asked field and standing. Minted by policy.
class Grant {
 public:
  struct Content {
    std::vector<FieldRelease> releases[kStandings];  // each: one per asked field, same order
    std::vector<std::string> rules;                  // ids of the grants and forbids that decided
    Digest policy_hash{};
    std::vector<Tag> case_subjects;  // ascending; keyed names, kind national_id
    bool case_known = false;
    bool case_needed = true;  // the purpose is one that a case proves
    std::vector<Limit> limits;
    std::vector<std::string> follow;  // link words the grant lets a tree follow
    // What holds for some citizens alone; see releases_for().
    std::vector<CourtOrder> orders;
    std::vector<FieldRelease> ordered[kStandings];  // of fields an order covers; empty: no more
    std::vector<Narrowed> narrowed;
    bool case_explains = false;  // open, the asker's or their unit's, and not opened just now
    std::shared_ptr<Reservation> approvals;  // those this question uses up
    bool witnessed = false;           // release waits for a quorum of the ledger's witnesses
    // Whose disclosure waits for it where there are witnesses, whatever the purpose; ascending.
    std::shared_ptr<const std::vector<Tag>> guarded;
    std::uint64_t sealed_ms = 0;      // covert purpose: hidden from the citizen for so long
    FieldSet optional;      // what the purpose can do without: a coin may withhold or coarsen it
    bool unmarked = false;  // the consumer parses: its answers carry no coins, and say so
    std::optional<ExtractTerms> extract;  // of a bulk question, and of no other
  };
  Grant(Grant&&) noexcept = default;
  Grant& operator=(Grant&&) noexcept = default;
  Grant(const Grant&) = delete;
  Grant& operator=(const Grant&) = delete;

  const Caller& caller() const {
    insist(content_ != nullptr);
    return caller_;
  }
  const Content& content() const {
    insist(content_ != nullptr);
    return *content_;
  }
  const std::vector<FieldRelease>& releases(Standing s) const {
    return content().releases[static_cast<std::size_t>(s)];
  }
  /// individual says whether what is released differs between citizens of one standing.
  bool individual() const { return !content().orders.empty() || !content().narrowed.empty(); }
  /// releases_for is what is released of one citizen: the court orders that cover them heard, and
  /// the forbids of the classes they belong to. `family` says whether they are the asker's. The
  /// second is the first forbid that took something, or empty.
  std::pair<std::vector<FieldRelease>, std::string> releases_for(Standing standing,
                                                                 const Tag& citizen,
                                                                 bool family) const;

 private:
  friend class policy::Policy;
  Grant(Caller caller, Content c)
      : caller_(std::move(caller)), content_(std::make_unique<const Content>(std::move(c))) {}
  Caller caller_;
  std::unique_ptr<const Content> content_;
};

/// Clearance is detection's and quota's word that this is usual. Minted by detection.
class Clearance {
 public:
  Clearance(Clearance&&) noexcept = default;
  Clearance& operator=(Clearance&&) noexcept = default;
  Clearance(const Clearance&) = delete;
  Clearance& operator=(const Clearance&) = delete;

  const Grant& grant() const { return grant_; }
  Reservation& reservation() const {
    insist(reservation_ != nullptr);
    return *reservation_;
  }

 private:
  friend class detection::Detection;
  Clearance(Grant grant, std::unique_ptr<Reservation> reservation)
      : grant_(std::move(grant)), reservation_(std::move(reservation)) {}
  Grant grant_;
  std::unique_ptr<Reservation> reservation_;
};

/// FoundValue is one decrypted, granted value; its text lies in the Findings' buffer.
struct FoundValue {
  FieldId field{};
  WipingBuffer::Place text;
};

/// FoundRecord is one record of one citizen, granted fields only, ascending by field.
struct FoundRecord {
  DatasetId dataset{};
  std::string_view source;  // the department, from the catalog (outlives every answer)
  Moment date{};            // when the record's version was taken in
  std::uint32_t version = 0;
  Tag record{};  // keyed name of the record, for the entry's value versions
  std::vector<FoundValue> values;
};

/// Person is what was found of one citizen; one Person is one disclosure, one entry, one unit.
struct Person {
  SubjectName name;
  Label label{};
  Slice slice;
  Standing standing = Standing::other;
  bool exists = false;   // false: asked by a name no registry knows
  bool guarded = false;  // one of Grant::Content::guarded
  std::string chain;     // how the registers lead from the case to them, keyed; empty: they do not
  // What is released of this citizen, where it is not what the grant says of the standing.
  std::shared_ptr<const std::vector<FieldRelease>> releases;
  std::vector<FoundRecord> records;
};

/// Findings: only granted fields, decrypted. Minted by registry.
class Findings {
 public:
  struct Content {
    std::vector<Person> people;
    WipingBuffer text;
    // What the vault is owed for the keys it unwrapped: an entry of each citizen. Given back with
    // the plaintext, or settled by the receipt.
    std::unique_ptr<Reservation> debt;
  };
  /// Settled is the stamp that the outcome was judged too; detection alone can make one.
  class Settled {
    friend class detection::Detection;
    explicit Settled(std::vector<std::string> w) : words(std::move(w)) {}
    std::vector<std::string> words;
    friend class Findings;
  };
  Findings(Findings&&) noexcept = default;
  Findings& operator=(Findings&&) noexcept = default;
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;

  const Clearance& clearance() const {
    insist(clearance_ != nullptr);
    return *clearance_;
  }
  const std::vector<Person>& people() const { return content().people; }
  std::string_view text(const FoundValue& v) const { return content().text.view(v.text); }
  /// debt is null where no key was unwrapped.
  Reservation* debt() const { return content().debt.get(); }
  void settle(Settled settled) {
    judged_ = std::move(settled.words);
    settled_ = true;
  }
  bool is_settled() const { return settled_; }
  /// judged is detection's word on the i-th person, for the entry; may be empty.
  const std::string& judged(std::size_t i) const {
    insist(i < judged_.size());
    return judged_[i];
  }

 private:
  friend class registry::Registry;
  Findings(Clearance clearance, Content c)
      : clearance_(std::make_shared<const Clearance>(std::move(clearance))),
        content_(std::make_unique<Content>(std::move(c))) {}
  // A part of a bulk answer: those of `roll` from place `from` on, with what is released of them.
  // One clearance and one judgement stand behind all parts.
  Findings(const Findings& roll, std::size_t from, Content c)
      : clearance_(roll.clearance_),
        content_(std::make_unique<Content>(std::move(c))),
        settled_(roll.settled_) {
    insist(roll.settled_ && from + content_->people.size() <= roll.people().size());
    for (std::size_t i = 0; i < content_->people.size(); ++i)
      judged_.push_back(roll.judged(from + i));
  }
  const Content& content() const {
    insist(content_ != nullptr);
    return *content_;
  }
  std::shared_ptr<const Clearance> clearance_;
  std::unique_ptr<const Content> content_;
  bool settled_ = false;
  std::vector<std::string> judged_;
};

/// Draft is the exact bytes to be released and what their entries commit to. It opens nothing. A bulk
/// answer has many: parts, whose entries are gathered, and one that closes them, which has no share of
/// its own and whose `released` is the digest of the whole file.
class Draft {
 public:
  struct Share {
    WipingBuffer::Place json;  // one citizen's share: {"citizen":…,"records":…,"withheld":…}
    EntryContent entry;
  };
  struct Content {
    std::vector<Share> shares;
    std::optional<EntryContent> export_entry;  // closes an answer over several citizens
    WipingBuffer text;
    Digest released{};  // digest of the whole
  };
  /// Stands is the stamp that the asker is still in good standing; identity alone can make one.
  class Stands {
    friend class identity::Identity;
    Stands() = default;
  };
  Draft(Draft&&) noexcept = default;
  Draft& operator=(Draft&&) noexcept = default;
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const Findings& findings() const { return findings_; }
  const Asker& asker() const { return findings_.clearance().grant().caller().asker(); }
  const std::vector<Share>& shares() const { return content().shares; }
  const std::optional<EntryContent>& export_entry() const { return content().export_entry; }
  std::string_view json(const Share& s) const { return content().text.view(s.json); }
  const Digest& released() const { return content().released; }
  void stands(Stands) { stands_ = true; }
  bool still_stands() const { return stands_; }

 private:
  friend class disclosure::Disclosure;
  Draft(Findings findings, Content c)
      : findings_(std::move(findings)), content_(std::make_unique<Content>(std::move(c))) {}
  const Content& content() const {
    insist(content_ != nullptr);
    return *content_;
  }
  Findings findings_;
  std::unique_ptr<Content> content_;
  bool stands_ = false;
};

/// Receipt proves that every entry of one Draft is on stable storage. Minted by ledger.
class Receipt {
 public:
  struct Entry {
    EntryIndex index{};
    Moment time{};      // the ledger's, which never decreases
    std::string proof;  // c2sp.org/tlog-proof@v1 text
  };
  Receipt(Receipt&&) noexcept = default;
  Receipt& operator=(Receipt&&) noexcept = default;
  Receipt(const Receipt&) = delete;
  Receipt& operator=(const Receipt&) = delete;

  /// Range is where the disclosures of a bulk answer stand.
  struct Range {
    EntryIndex first{};
    std::uint32_t count = 0;
  };

  /// One per share; of a bulk answer, its EXPORT alone.
  const std::vector<Entry>& entries() const { return content().entries; }
  const Digest& released() const { return content().released; }
  const std::optional<Range>& bulk() const { return content().bulk; }

 private:
  struct Content {
    std::vector<Entry> entries;
    Digest released{};
    std::optional<Range> bulk;
  };
  friend class ledger::Ledger;
  explicit Receipt(Content c) : content_(std::make_unique<const Content>(std::move(c))) {}
  const Content& content() const {
    insist(content_ != nullptr);
    return *content_;
  }
  std::unique_ptr<const Content> content_;
};

/// Answer is what leaves. Minted by disclosure from a Draft and the Receipt with its digest.
class Answer {
 public:
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) noexcept = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  /// body is the JSON document of the answer.
  std::string_view body() const {
    insist(body_ != nullptr);
    return body_->view();
  }

 private:
  friend class disclosure::Disclosure;
  explicit Answer(WipingBuffer body)
      : body_(std::make_unique<const WipingBuffer>(std::move(body))) {}
  std::unique_ptr<const WipingBuffer> body_;
};

/// SealedRows is where the rows of a bulk answer rest, and what opens them. By itself it lets nobody
/// read: Disclosure hands bytes out for an Extract alone.
struct SealedRows {
  std::string file;
  Key256 key;
  std::array<std::uint8_t, 16> id{};  // of the extract; bound into every block
  std::uint64_t bytes = 0;            // of the rows, unsealed
  Digest digest{};                    // of the rows, unsealed
};

/// Extract is the right to read the rows of a bulk answer. Minted by disclosure from what they rest
/// in and a Receipt with their digest.
class Extract {
 public:
  Extract(Extract&&) noexcept = default;
  Extract& operator=(Extract&&) noexcept = default;
  Extract(const Extract&) = delete;
  Extract& operator=(const Extract&) = delete;

  std::uint64_t bytes() const { return rows().bytes; }
  const Digest& digest() const { return rows().digest; }

 private:
  friend class disclosure::Disclosure;
  explicit Extract(SealedRows rows) : rows_(std::make_unique<const SealedRows>(std::move(rows))) {}
  const SealedRows& rows() const {
    insist(rows_ != nullptr);
    return *rows_;
  }
  std::unique_ptr<const SealedRows> rows_;
};

}  // namespace amanat
