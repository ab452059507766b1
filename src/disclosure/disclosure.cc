#include "disclosure/disclosure.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "crypto/crypto.h"
#include "disclosure/marking.h"
#include "net/json.h"

// Invariants
//  1. What an entry commits to is computed from the very bytes that release() sends: json() of a
//     share is hashed here and copied there, never rendered twice.
//  2. Coins choose and spell before the append: what a Draft holds is what leaves.
//  3. A value below the level its field was released at never reaches the buffer: registry hands
//     over granted values only, and shaping narrows, never widens.

namespace amanat::disclosure {
namespace {

void put_u16(std::string& out, std::uint32_t n) {
  out.push_back(static_cast<char>(n >> 8));
  out.push_back(static_cast<char>(n & 0xff));
}
void put_u32(std::string& out, std::uint32_t n) {
  put_u16(out, n >> 16);
  put_u16(out, n & 0xffff);
}

const FieldRelease* release_of(const std::vector<FieldRelease>& releases, FieldId field) {
  const auto at = std::lower_bound(
      releases.begin(), releases.end(), field,
      [](const FieldRelease& r, FieldId f) { return number(r.field) < number(f); });
  return at != releases.end() && at->field == field ? &*at : nullptr;
}

void append_date(WipingBuffer& out, Moment moment) {
  const std::chrono::sys_days day(std::chrono::days(static_cast<int>(number(moment) / 86'400'000)));
  const std::chrono::year_month_day date(day);
  char text[16];
  const int n =
      std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  insist(n == 10);
  net::append_json_string(out, std::string_view(text, 10));
}

// AnswerHash is the answer digest of the tracing page, 3.4: each shown value under a salt of its
// own, so that a bundle opens the leaked fields and leaves the others shut.
class AnswerHash {
 public:
  explicit AnswerHash(const Key256& slice_key) : salts_(slice_key.bytes()) {
    crypto::random_bytes(nonce_);
    all_.update(std::uint8_t{0x11});
  }
  void add(std::uint32_t record, FieldId field, std::string_view shown) {
    std::string place;
    put_u32(place, record);
    put_u16(place, number(field));
    static constexpr std::string_view kDomain("amanat/field-salt/v1\0", 21);
    const Digest salt = salts_.mac({crypto::bytes_of(kDomain), nonce_, crypto::bytes_of(place)});
    std::string length;
    put_u32(length, static_cast<std::uint32_t>(shown.size()));
    crypto::Sha256 one;
    one.update(std::uint8_t{0x10}).update(crypto::Bytes(salt).first(16));
    one.update(place).update(length).update(shown);
    all_.update(one.finish());
  }
  // bytes are the body's part 7: digest, then the nonce the salts are derived from.
  std::string bytes() {
    const Digest digest = all_.finish();
    std::string out(crypto::text_of(digest));
    out.append(crypto::text_of(nonce_));
    return out;
  }

 private:
  crypto::Hmac salts_;
  std::array<std::uint8_t, 16> nonce_{};
  crypto::Sha256 all_;
};

}  // namespace

// Shaping renders one citizen's share.
class Shaping {
 public:
  Shaping(const FieldTable& fields, const Findings& findings, const Person& person,
          const std::vector<FieldRelease>& releases, const Marking& marking, WipingBuffer& out)
      : fields_(fields),
        findings_(findings),
        person_(person),
        releases_(releases),
        marking_(marking),
        out_(out),
        hash_(person.slice.key),
        has_value_(releases_.size(), false) {}

  WipingBuffer::Place render(bool named_in_question) {
    const std::size_t begin = out_.size();
    out_.append("{\"citizen\":");
    net::append_json_string(out_, named_in_question ? person_.name.value : masked(person_.name));
    records();
    masked_fields();
    withheld();
    out_.append("}");
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(out_.size() - begin)};
  }
  std::string answer_part() { return hash_.bytes(); }

  // versions is the body's part 4: u16 dataset, 16-B record tag, u32 version of each record that
  // was found and granted; what a coin keeps back is in it, or a coin would decide whose copy a
  // leaked row may be (tracing page 6.4, T1).
  std::string versions() const {
    std::string out;
    for (const FoundRecord& r : person_.records) {
      put_u16(out, number(r.dataset));
      out.append(crypto::text_of(r.record));
      put_u32(out, r.version);
    }
    return out;
  }
  // granted is the body's part 3: the ids of the fields released to this citizen's standing.
  std::string granted() const {
    std::vector<FieldId> ids;
    for (const FieldRelease& r : releases_)
      if (r.level != Level::none) ids.push_back(r.field);
    return canonical_fields(fields_, ids);
  }

 private:
  void records() {
    out_.append(",\"records\":{");
    bool first_dataset = true;
    std::uint32_t place = 0;
    for (std::size_t i = 0; i < person_.records.size();) {
      const DatasetId dataset = person_.records[i].dataset;
      if (!first_dataset) out_.append(",");
      first_dataset = false;
      net::append_json_string(out_, fields_.dataset_name(dataset));
      out_.append(":[");
      bool first = true;
      for (; i < person_.records.size() && person_.records[i].dataset == dataset; ++i) {
        if (!marking_.shows(i)) continue;
        if (!first) out_.append(",");
        first = false;
        record(i, place++);
      }
      out_.append("]");
    }
    out_.append("}");
  }

  void record(std::size_t at, std::uint32_t place) {
    const FoundRecord& r = person_.records[at];
    out_.append("{");
    for (const FoundValue& v : r.values) {
      if (marking_.waits(at, v.field)) continue;
      const FieldRelease* release = release_of(releases_, v.field);
      insist(release != nullptr && release->level != Level::none);
      has_value_[static_cast<std::size_t>(release - releases_.data())] = true;
      net::append_json_string(out_, fields_[v.field].name);
      out_.append(":");
      value(*release, at, v, place);
      out_.append(",");
    }
    out_.append("\"source\":");
    net::append_json_string(out_, r.source);
    out_.append(",\"date\":");
    append_date(out_, r.date);
    out_.append("}");
  }

  void value(const FieldRelease& release, std::size_t record, const FoundValue& found,
             std::uint32_t place) {
    const std::string_view text = findings_.text(found);
    switch (release.level) {
      case Level::exists:
        out_.append("true");
        hash_.add(place, release.field, "true");
        return;
      case Level::masked: {
        const auto& masks = fields_[release.field].masks;
        insist(release.mask < masks.size());
        const std::string shown = masked_value(masks[release.mask], text);
        net::append_json_string(out_, shown);
        hash_.add(place, release.field, shown);
        return;
      }
      case Level::full: {
        auto spelt = marking_.spelt(record, release.field, text);
        const std::string_view shown = spelt ? std::string_view(*spelt) : text;
        net::append_json_string(out_, shown);
        hash_.add(place, release.field, shown);
        if (spelt) wipe(spelt->data(), spelt->size());
        return;
      }
      case Level::none:
        break;
    }
    insist(release.level != Level::none);
  }

  void masked_fields() {
    bool first = true;
    for (const FieldRelease& r : releases_) {
      if (r.level != Level::masked) continue;
      out_.append(first ? ",\"masked\":[" : ",");
      first = false;
      net::append_json_string(out_, fields_[r.field].id);
    }
    if (!first) out_.append("]");
  }

  void withheld() {
    out_.append(",\"withheld\":[");
    bool first = true;
    for (std::size_t i = 0; i < releases_.size(); ++i) {
      const FieldRelease& r = releases_[i];
      const auto& behind = marking_.behind();
      const bool waits = std::binary_search(behind.begin(), behind.end(), r.field);
      if (r.level != Level::none && has_value_[i] && !waits) continue;
      const ReasonRow& why = row_of(r.level == Level::none ? r.withheld
                                    : waits                ? Reason::behind_show_more
                                                           : Reason::no_record);
      if (!first) out_.append(",");
      first = false;
      out_.append("{\"field\":");
      net::append_json_string(out_, fields_[r.field].id);
      out_.append(",\"reason\":");
      net::append_json_string(out_, why.id);
      out_.append(",\"next\":");
      net::append_json_string(out_, why.next_english);
      out_.append("}");
    }
    out_.append("]");
  }

  const FieldTable& fields_;
  const Findings& findings_;
  const Person& person_;
  const std::vector<FieldRelease>& releases_;
  const Marking& marking_;
  WipingBuffer& out_;
  AnswerHash hash_;
  std::vector<bool> has_value_;
};

Disclosure::Disclosure(const FieldTable& fields, Marks* marks) : fields_(fields), marks_(marks) {
  if (marks == nullptr) return;
  const SlotCatalogue& catalogue = marks->catalogue();
  numbers_.resize(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const FieldInfo& info = fields[FieldId{static_cast<std::uint16_t>(i)}];
    numbers_[i] = catalogue.number_of(info.id);
    if (number(info.dataset) >= datasets_.size()) datasets_.resize(number(info.dataset) + 1u);
    datasets_[number(info.dataset)] = catalogue.number_of(fields.dataset_name(info.dataset));
  }
}

bool Disclosure::marked(const Findings& findings) const {
  return marks_ != nullptr && marks_->configured() &&
         !findings.clearance().grant().content().unmarked;
}

Task<Result<void>> Disclosure::ready(const Findings& findings) const {
  if (!marked(findings)) co_return Result<void>{};
  const AccountId account = findings.clearance().grant().caller().asker().account;
  auto wait = marks_->fetch(account);
  auto fetched = co_await wait;
  co_return fetched;
}

Result<Draft> Disclosure::prepare(Findings findings) const {
  insist(findings.is_settled());
  insist(!findings.people().empty());
  const Grant& grant = findings.clearance().grant();
  const Caller& caller = grant.caller();
  const Question& question = caller.question();

  std::optional<LiveKey> key;
  if (marked(findings)) {
    key = marks_->key(caller.asker().account);
    if (!key) return fail(Reason::marks_key_missing);
  }
  MarksRecord record;
  if (key) {
    record.kind = question.more_of ? MarksRecord::Kind::more : MarksRecord::Kind::coins;
    record.catalogue = marks_->catalogue().version();
    record.epoch = key->epoch;
    record.commitment = key->commitment;
    record.parent = question.more_of.value_or(EntryIndex{});
  }
  const Numbers numbers{numbers_, datasets_};
  const Marking::Asked asked = question.more_of ? Marking::Asked::more
                               : question.list || question.subject.search == "national_id"
                                   ? Marking::Asked::of_citizen
                                   : Marking::Asked::search;

  Draft::Content content;
  content.text.reserve(1024 * findings.people().size());
  const bool one = findings.people().size() == 1;
  crypto::Sha256 whole;
  for (std::size_t i = 0; i < findings.people().size(); ++i) {
    const Person& person = findings.people()[i];
    const std::vector<FieldRelease>& releases =
        person.releases ? *person.releases : grant.releases(person.standing);
    const Marking marking =
        key ? Marking(marks_->catalogue(), key->coins, numbers, grant.content().optional, releases,
                      findings, person, asked)
            : Marking();
    record.optional = marking.optional();
    Shaping shaping(fields_, findings, person, releases, marking, content.text);
    Draft::Share share;
    share.json = shaping.render(
        question.list.has_value() || (i == 0 && question.subject.search == "national_id"));
    const Digest released = crypto::sha256(content.text.view(share.json));
    whole.update(released);
    EntryContent& entry = share.entry;
    entry.type = EntryType::disclosure;
    entry.subject = person.label;
    entry.actor = caller.asker().actor;
    entry.slice = person.slice;
    entry.part(BodyPart::purpose) = question.purpose;
    entry.part(BodyPart::case_ref) = question.case_ref;
    entry.part(BodyPart::granted_fields) = shaping.granted();
    entry.part(BodyPart::value_versions) = shaping.versions();
    entry.part(BodyPart::policy_hash) = crypto::text_of(grant.content().policy_hash);
    entry.part(BodyPart::released_digest) = crypto::text_of(released);
    entry.part(BodyPart::answer_digest) = shaping.answer_part();
    // Absent where there is no auditor: an exempt answer says so, an unmarked exchange says
    // nothing.
    if (marks_ != nullptr && marks_->configured())
      entry.part(BodyPart::marks) = encode_marks(record);
    entry.part(BodyPart::denial) = findings.judged(i);
    entry.part(BodyPart::evidence_digest) = crypto::text_of(crypto::sha256(caller.evidence()));
    // The question of an answer over several citizens names them all: it is kept once, with the
    // EXPORT, and the entries keep its digest alone (ledger page 2.3).
    if (one) entry.evidence = caller.evidence();
    content.shares.push_back(std::move(share));
  }
  content.released = whole.finish();
  if (one) {
    content.released = crypto::sha256(content.text.view(content.shares[0].json));
  } else {
    EntryContent closing;
    closing.type = EntryType::export_;
    closing.actor = caller.asker().actor;
    closing.slice = findings.people()[0].slice;
    closing.part(BodyPart::purpose) = question.purpose;
    closing.part(BodyPart::case_ref) = question.case_ref;
    closing.part(BodyPart::policy_hash) = crypto::text_of(grant.content().policy_hash);
    closing.part(BodyPart::released_digest) = crypto::text_of(content.released);
    closing.part(BodyPart::evidence_digest) = crypto::text_of(crypto::sha256(caller.evidence()));
    closing.evidence = caller.evidence();
    content.export_entry = std::move(closing);
  }
  return Draft(std::move(findings), std::move(content));
}

Result<Answer> Disclosure::release(Draft draft, Receipt receipt) const {
  if (!crypto::equal(draft.released(), receipt.released()) ||
      receipt.entries().size() != draft.shares().size())
    return fail(Reason::internal_error, "the receipt belongs to another answer");
  WipingBuffer body;
  std::size_t size = 16;
  for (std::size_t i = 0; i < draft.shares().size(); ++i)
    size += draft.json(draft.shares()[i]).size() + receipt.entries()[i].proof.size() + 128;
  body.reserve(size);
  body.append("{\"answers\":[");
  for (std::size_t i = 0; i < draft.shares().size(); ++i) {
    if (i > 0) body.append(",");
    const std::string_view share = draft.json(draft.shares()[i]);
    insist(!share.empty() && share.back() == '}');
    body.append(share.substr(0, share.size() - 1));
    char text[24];
    const auto end =
        std::to_chars(text, text + sizeof text, number(receipt.entries()[i].index)).ptr;
    body.append(",\"entry\":");
    body.append(std::string_view(text, static_cast<std::size_t>(end - text)));
    body.append(",\"receipt\":");
    net::append_json_string(body, receipt.entries()[i].proof);
    body.append("}");
  }
  body.append("]}");
  return Answer(std::move(body));
}

}  // namespace amanat::disclosure
