// "Show more": a second question for what a coin kept back. It counts only for the account that was
// answered, about the same citizen, within a day, and for fields that answer was granted.

#include <algorithm>

#include "disclosure/slots.h"
#include "lookup/lookup.h"

namespace amanat::lookup {
namespace {

constexpr std::uint64_t kMoreMs = 24ull * 3600 * 1000;

bool granted(const FieldTable& table, const std::vector<FieldId>& asked, std::string_view part) {
  std::vector<std::string_view> ids;
  while (part.size() >= 2) {
    const std::size_t size =
        static_cast<unsigned char>(part[0]) << 8 | static_cast<unsigned char>(part[1]);
    if (part.size() < 2 + size) return false;
    ids.push_back(part.substr(2, size));
    part.remove_prefix(2 + size);
  }
  return std::all_of(asked.begin(), asked.end(), [&](FieldId field) {
    return std::find(ids.begin(), ids.end(), table[field].id) != ids.end();
  });
}

}  // namespace

Result<void> Lookup::names_its_parent(const Asked& asked, const Findings& findings) const {
  if (!asked.question.more_of) return {};
  const auto key_of = [this](std::span<const std::uint8_t, 16> id) { return vault_.slice_key(id); };
  bool fits = false;
  auto scanned = ledger_.scan(*asked.question.more_of, key_of, [&](const ledger::Opened& e) {
    const auto part = [&](BodyPart p) -> const std::string& {
      return e.parts[static_cast<std::size_t>(p) - 1];
    };
    const auto marks = disclosure::parse_marks(part(BodyPart::marks));
    fits = e.index == *asked.question.more_of && e.type == EntryType::disclosure && e.actor &&
           e.actor->account == asked.asker.account && e.subject && findings.people().size() == 1 &&
           *e.subject == findings.people()[0].label &&
           number(asked.received) < number(e.time) + kMoreMs && marks &&
           marks->kind == disclosure::MarksRecord::Kind::coins &&
           granted(disclosure_.fields(), asked.question.fields, part(BodyPart::granted_fields));
    return false;
  });
  if (!scanned) return scanned;
  if (!fits) return fail(Reason::parent_wrong);
  return {};
}

}  // namespace amanat::lookup
