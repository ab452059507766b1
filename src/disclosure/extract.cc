#include "disclosure/extract.h"

#include "crypto/crypto.h"
#include "disclosure/rows.h"
#include "disclosure/spool.h"
#include "net/zip_write.h"

namespace amanat::disclosure {
namespace {

constexpr std::uint64_t kSheetRowsMax = 1'048'576;  // of a spreadsheet, its head among them
constexpr std::string_view kNamespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

std::string part_xml(std::string_view content) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n" + std::string(content);
}

// The least that makes a workbook of one sheet (ECMA-376 part 1, 12.3.23 and 12.3.24).
Result<void> begin_workbook(net::ZipWriter& zip) {
  const std::pair<std::string_view, std::string> parts[] = {
      {"[Content_Types].xml",
       "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
       "<Default Extension=\"rels\" "
       "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
       "<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/"
       "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>"
       "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/"
       "vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>"},
      {"_rels/.rels",
       "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
       "<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/"
       "relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"},
      {"xl/workbook.xml",
       "<workbook xmlns=\"" + std::string(kNamespace) +
           "\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">"
           "<sheets><sheet name=\"extract\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"},
      {"xl/_rels/workbook.xml.rels",
       "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
       "<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/"
       "relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"}};
  for (const auto& [name, content] : parts) {
    if (auto done = zip.begin(name); !done) return done;
    if (auto done = zip.write(part_xml(content)); !done) return done;
    if (auto done = zip.end(); !done) return done;
  }
  if (auto done = zip.begin("xl/worksheets/sheet1.xml"); !done) return done;
  return zip.write(part_xml("<worksheet xmlns=\"" + std::string(kNamespace) + "\"><sheetData>\n"));
}

}  // namespace

struct ExtractMaker::State {
  State(const Disclosure& d, RowFormat format, std::vector<std::string> fields, Spool s,
        const std::array<std::uint8_t, 16>& extract)
      : disclosure(d), writer(format, std::move(fields)), spool(std::move(s)), id(extract) {
    facts.columns = writer.columns();
    if (format == RowFormat::xlsx)
      zip.emplace([this](std::string_view bytes) { return spool.write(bytes); });
  }
  Result<void> put(std::string_view text) { return zip ? zip->write(text) : spool.write(text); }

  // place_decoys writes those that come before the citizen at hand, like those around.
  Result<void> place_decoys(const std::vector<std::string_view>& shares) {
    for (; next < decoys.size() && decoys[next].place == at; ++next) {
      DecoyMaker::invent(*key, id, shares, decoys[next]);
      auto text = writer.rows(decoys[next].share, decoy_rows);
      if (!text) return std::unexpected(std::move(text.error()));
      seeded.update(crypto::sha256(*text));
      if (auto written = put(*text); !written) return written;
      decoys[next].rows = *std::move(text);
    }
    return {};
  }

  const Disclosure& disclosure;
  std::optional<CoinKey> key;
  std::vector<Decoy> decoys;
  std::size_t next = 0, at = 0;
  std::uint64_t decoy_rows = 0;  // in no total that the recipient is told
  crypto::Sha256 seeded;
  std::string marks;  // of the disclosures: which key the decoys follow from
  RowWriter writer;
  Spool spool;
  std::optional<net::ZipWriter> zip;
  std::array<std::uint8_t, 16> id;
  crypto::Sha256 answers;
  ExtractFacts facts;
  SealedRows rows;
};

ExtractMaker::ExtractMaker(std::unique_ptr<State> state) : state_(std::move(state)) {}
ExtractMaker::ExtractMaker(ExtractMaker&&) noexcept = default;
ExtractMaker::~ExtractMaker() = default;

Result<ExtractMaker> ExtractMaker::begin(const Disclosure& disclosure, storage::Disk& disk,
                                         const FieldTable& fields, const Findings& roll,
                                         SealedRows place, const DecoyMaker::IsFree& is_free) {
  const Question& question = roll.clearance().grant().caller().question();
  insist(roll.is_settled() && question.list.has_value());
  const auto format = row_format(question.list->format);
  if (!format) return fail(Reason::format_not_granted, "csv, jsonl, xlsx");
  std::vector<std::string> ids;
  for (const FieldId field : question.fields) ids.push_back(fields[field].id);
  const auto id = place.id;
  auto spool = Spool::create(disk, std::move(place));
  if (!spool) return std::unexpected(std::move(spool.error()));
  auto state = std::make_unique<State>(disclosure, *format, std::move(ids), *std::move(spool), id);
  state->key = disclosure.decoy_key(roll);
  if (state->key && is_free) {
    auto planned = DecoyMaker::plan(*state->key, id, roll.people(), is_free);
    if (!planned) return std::unexpected(std::move(planned.error()));
    state->decoys = *std::move(planned);
    state->facts.decoys = state->decoys.size();
  }
  if (state->zip)
    if (auto begun = begin_workbook(*state->zip); !begun)
      return std::unexpected(std::move(begun.error()));
  if (auto put = state->put(state->writer.head()); !put)
    return std::unexpected(std::move(put.error()));
  return ExtractMaker(std::move(state));
}

Result<Draft> ExtractMaker::add(Findings part) {
  State& s = *state_;
  for (const Person& person : part.people()) {
    ++s.facts.citizens;
    if (!person.records.empty()) ++s.facts.with_records;
  }
  auto draft = s.disclosure.prepare_part(
      std::move(part), s.id,
      [&s](const std::vector<std::string_view>& shares, std::size_t which) -> Result<std::string> {
        if (auto placed = s.place_decoys(shares); !placed)
          return std::unexpected(std::move(placed.error()));
        ++s.at;
        auto rows = s.writer.rows(shares[which], s.facts.rows);
        if (!rows) return rows;
        if (auto put = s.put(*rows); !put) return std::unexpected(std::move(put.error()));
        if (s.zip && s.facts.rows + s.decoy_rows >= kSheetRowsMax)
          return fail(Reason::value_too_long, "more rows than a sheet holds");
        return rows;
      });
  if (!draft) return draft;
  s.marks = draft->shares().front().entry.part(BodyPart::marks);
  const auto marks = parse_marks(s.marks);
  s.facts.marked |= marks && marks->kind == MarksRecord::Kind::coins;
  for (const auto& share : draft->shares())
    s.answers.update(share.entry.part(BodyPart::answer_digest));
  return draft;
}

Result<Draft> ExtractMaker::close(Findings roll, Slice slice) {
  State& s = *state_;
  insist(s.facts.citizens == roll.people().size());
  if (s.zip) {
    if (auto put = s.put("</sheetData></worksheet>\n"); !put)
      return std::unexpected(std::move(put.error()));
    if (auto end = s.zip->end(); !end) return std::unexpected(std::move(end.error()));
    if (auto end = s.zip->finish(); !end) return std::unexpected(std::move(end.error()));
  }
  insist(s.next == s.decoys.size());
  s.facts.answers = s.answers.finish();
  Digest answers = s.facts.answers;
  if (!s.decoys.empty()) {
    crypto::Sha256 both;
    answers = both.update(answers).update(s.seeded.finish()).finish();
  }
  auto rows = s.spool.finish();
  if (!rows) return std::unexpected(std::move(rows.error()));
  s.rows = *std::move(rows);
  const Closing closing{s.id, s.rows.digest, answers, s.decoys.empty() ? "" : s.marks};
  return s.disclosure.prepare_close(std::move(roll), closing, std::move(slice));
}

const ExtractFacts& ExtractMaker::facts() const { return state_->facts; }
const SealedRows& ExtractMaker::rows() const { return state_->rows; }
const std::vector<Decoy>& ExtractMaker::decoys() const { return state_->decoys; }

std::optional<CoinKey> Disclosure::decoy_key(const Findings& findings) const {
  if (!marked(findings)) return std::nullopt;
  auto key = marks_->key(findings.clearance().grant().caller().asker().account);
  if (!key) return std::nullopt;
  return key->coins;
}

Result<Draft> Disclosure::prepare_part(Findings part, const std::array<std::uint8_t, 16>& id,
                                       const RowsOf& rows_of) const {
  const bool dated = part.clearance().grant().content().sealed_ms > 0;
  auto draft = prepare(std::move(part));
  if (!draft) return draft;
  Draft::Content& content = *draft->content_;
  content.export_entry.reset();
  std::vector<std::string_view> shares;
  for (const Draft::Share& share : content.shares) shares.push_back(content.text.view(share.json));
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Draft::Share& share = content.shares[i];
    auto rows = rows_of(shares, i);
    if (!rows) return std::unexpected(std::move(rows.error()));
    share.entry.part(BodyPart::released_digest) = crypto::text_of(crypto::sha256(*rows));
    wipe(rows->data(), rows->size());
    // A covert purpose keeps the date from which the citizen may see it in the same part.
    if (!dated) share.entry.part(BodyPart::export_id) = crypto::text_of(id);
    share.entry.evidence.clear();
  }
  return draft;
}

Result<Draft> Disclosure::prepare_close(Findings roll, const Closing& of, Slice slice) const {
  insist(roll.is_settled());
  const Grant& grant = roll.clearance().grant();
  const Caller& caller = grant.caller();
  EntryContent closing;
  closing.type = EntryType::export_;
  closing.actor = caller.asker().actor;
  closing.slice = std::move(slice);
  closing.part(BodyPart::purpose) = caller.question().purpose;
  closing.part(BodyPart::case_ref) = caller.question().case_ref;
  closing.part(BodyPart::policy_hash) = crypto::text_of(grant.content().policy_hash);
  closing.part(BodyPart::released_digest) = crypto::text_of(of.released);
  closing.part(BodyPart::answer_digest) = crypto::text_of(of.answers);
  closing.part(BodyPart::marks) = of.marks;
  closing.part(BodyPart::export_id) = crypto::text_of(of.id);
  closing.part(BodyPart::evidence_digest) = crypto::text_of(crypto::sha256(caller.evidence()));
  closing.evidence = caller.evidence();
  Draft::Content content;
  content.released = of.released;
  content.export_entry = std::move(closing);
  return Draft(std::move(roll), std::move(content));
}

Result<Extract> Disclosure::release(SealedRows rows, const Receipt& receipt) const {
  if (!receipt.bulk() || !crypto::equal(rows.digest, receipt.released()))
    return fail(Reason::internal_error, "the receipt belongs to another extract");
  return Extract(std::move(rows));
}

Result<Answer> Disclosure::read(storage::Disk& disk, const Extract& extract, std::uint64_t offset,
                                std::size_t size) const {
  if (offset > extract.bytes() || size > extract.bytes() - offset)
    return fail(Reason::range_wrong, "beyond the end of the rows");
  WipingBuffer out;
  out.reserve(size);
  if (auto read = read_rows(disk, extract.rows(), offset, size, out); !read)
    return std::unexpected(std::move(read.error()));
  return Answer(std::move(out));
}

}  // namespace amanat::disclosure
