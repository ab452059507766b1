#include "lookup/extracts.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "crypto/crypto.h"
#include "vault/debts.h"

namespace amanat::lookup {
namespace {

constexpr std::string_view kUse = "extracts";
constexpr std::string_view kRows = "extract/";
constexpr std::size_t kWaitingMax = 8;
constexpr std::size_t kPart = 64;  // citizens decrypted at a time
constexpr std::uint64_t kForgottenMs = 30ull * 86'400'000;
constexpr int kYields = 10;  // niceness of the thread

std::string key_of_row(std::string_view id) { return std::string(kRows).append(id); }

std::array<std::uint8_t, 16> bytes_of_id(std::string_view id) {
  const auto bytes = crypto::from_hex(id);
  insist(bytes && bytes->size() == 16);
  std::array<std::uint8_t, 16> out;
  std::memcpy(out.data(), bytes->data(), out.size());
  return out;
}

bool is_over(ExtractState state) {
  return state == ExtractState::refused || state == ExtractState::voided ||
         state == ExtractState::wiped;
}

ExtractRow row_for(const Asked& asked, const Grant& grant, const FieldTable& fields) {
  std::array<std::uint8_t, 16> id;
  crypto::random_bytes(id);
  ExtractRow row;
  row.id = crypto::hex(id);
  row.account = asked.asker.account;
  row.recipient = asked.asker.id;
  row.department = asked.asker.department;
  row.unit = asked.asker.unit;
  row.purpose = asked.question.purpose;
  row.case_ref = asked.question.case_ref;
  row.format = asked.question.list->format;
  row.list = crypto::hex(asked.question.list->digest);
  row.citizens = asked.question.list->citizens;
  for (const FieldId field : asked.question.fields) row.fields.push_back(fields[field].id);
  row.asked = number(asked.received);
  row.keep_ms = grant.content().extract->keep_ms;
  return row;
}

}  // namespace

struct Extracts::Job {
  ExtractRow row;
  Clearance clearance;
  std::vector<std::string> citizens;
  std::shared_ptr<const Asked> asked;
  std::shared_ptr<Kept> kept;
  // What is owed for the rows in the sealed file: paid by its entries, given back once its key is gone.
  std::unique_ptr<Reservation> debt;
  std::vector<Label> owed;
};

// Everything but `done` is under the mutex.
struct Extracts::Kept {
  ExtractRow row;
  std::shared_ptr<const Extract> extract;  // while it may be read
  std::atomic<std::uint64_t> done{0};
};

Extracts::Extracts(Setup setup)
    : setup_(std::move(setup)),
      lookup_(*setup_.lookup),
      lists_(*setup_.store, setup_.lookup->vault_),
      register_(*setup_.store, setup_.lookup->vault_) {}

Extracts::~Extracts() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

storage::Disk& Extracts::disk() const {
  return setup_.disk != nullptr ? *setup_.disk : storage::system_disk();
}

std::string Extracts::file_of(std::string_view id) const {
  return setup_.directory + "/" + std::string(id);
}

Result<std::unique_ptr<Extracts>> Extracts::open(Setup setup) {
  insist(setup.lookup != nullptr && setup.store != nullptr && setup.fields != nullptr);
  std::unique_ptr<Extracts> made(new Extracts(std::move(setup)));
  if (auto there = made->disk().make_directory(made->setup_.directory); !there)
    return std::unexpected(there.error());
  if (auto loaded = made->load(); !loaded) return std::unexpected(loaded.error());
  made->thread_ = std::thread([extracts = made.get()] { extracts->run(); });
  return made;
}

Result<void> Extracts::load() {
  std::vector<ExtractRow> rows;
  Result<void> read;
  auto scanned = setup_.store->scan(storage::Table::settings, kRows, {},
                                    [&](std::string_view key, std::string_view sealed) {
                                      WipingBuffer plain;
                                      read = lookup_.vault_.open_house(kUse, key, sealed, plain);
                                      if (!read) return false;
                                      auto row = decode_extract(plain.view());
                                      if (!row || key_of_row(row->id) != key) {
                                        read = fail(Reason::store_failed, "an extract's row");
                                        return false;
                                      }
                                      rows.push_back(*std::move(row));
                                      return true;
                                    });
  if (!scanned) return scanned;
  if (!read) return read;
  for (ExtractRow& row : rows)
    if (auto settled = settle_left(std::move(row)); !settled) return settled;
  return {};
}

// settle_left asks the ledger what became of an extract that a former run left.
Result<void> Extracts::settle_left(ExtractRow row) {
  auto kept = std::make_shared<Kept>();
  kept->done = row.citizens;
  kept->row = row;
  kept_[row.id] = kept;
  if (is_over(row.state)) return {};
  if (row.state == ExtractState::making) return destroy(std::move(row), ExtractState::voided);
  const auto key_of = [this](std::span<const std::uint8_t, 16> id) {
    return lookup_.vault_.slice_key(id);
  };
  const auto id = bytes_of_id(row.id);
  if (row.state == ExtractState::closing) {
    std::optional<ledger::Opened> closing;
    auto scanned =
        lookup_.ledger_.scan(EntryIndex{row.from_entry}, key_of, [&](const ledger::Opened& entry) {
          const auto& part = entry.parts[static_cast<std::size_t>(BodyPart::export_id) - 1];
          if (entry.type == EntryType::export_ && part == crypto::text_of(id)) closing = entry;
          return !closing.has_value();
        });
    if (!scanned) return scanned;
    if (!closing) return destroy(std::move(row), ExtractState::voided);
    row.export_entry = number(closing->index);
    row.made = number(closing->time);
    row.expires = row.made + row.keep_ms;
  }
  auto receipt = lookup_.ledger_.receipt_of_export(EntryIndex{row.export_entry}, key_of);
  if (!receipt) return destroy(std::move(row), ExtractState::wiped);
  row.first = number(receipt->bulk()->first);
  auto key = this->key_of(row);
  if (!key) return destroy(std::move(row), ExtractState::wiped);
  SealedRows rows;
  rows.file = file_of(row.id);
  rows.key = *std::move(key);
  rows.id = id;
  rows.bytes = row.bytes;
  const auto digest = crypto::from_hex(row.sha256);
  if (digest && digest->size() == rows.digest.size())
    std::memcpy(rows.digest.data(), digest->data(), digest->size());
  auto extract = lookup_.disclosure_.release(std::move(rows), *receipt);
  if (!extract) return destroy(std::move(row), ExtractState::voided);
  row.state = ExtractState::ready;
  if (auto saved = save(row); !saved) return saved;
  kept->extract = std::make_shared<const Extract>(*std::move(extract));
  return {};
}

Result<Key256> Extracts::key_of(const ExtractRow& row) const {
  return lookup_.vault_.key_of(vault::Slot{row.slot});
}

Result<void> Extracts::save(const ExtractRow& row) {
  std::string sealed;
  lookup_.vault_.seal_house(kUse, key_of_row(row.id), encode(row), sealed);
  storage::Batch batch;
  batch.put(storage::Table::settings, key_of_row(row.id), sealed);
  if (auto written = setup_.store->write(batch, storage::Durability::synced); !written)
    return written;
  const std::lock_guard lock(mutex_);
  if (const auto at = kept_.find(row.id); at != kept_.end()) at->second->row = row;
  return {};
}

// destroy makes the rows unreadable for good, and says so.
Result<void> Extracts::destroy(ExtractRow row, ExtractState state) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = kept_.find(row.id); at != kept_.end()) at->second->extract.reset();
  }
  if (auto gone = lookup_.vault_.destroy(vault::Slot{row.slot}); !gone) return gone;
  auto removed = disk().remove(file_of(row.id));
  static_cast<void>(removed);  // there may be none yet; without its key it is noise
  row.state = state;
  return save(row);
}

Result<std::size_t> Extracts::take_list(AccountId account, const Digest& list, unsigned part,
                                        std::string_view text, Moment at) {
  std::set<std::string> done;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, kept] : kept_)
      if (kept->row.account == account) done.insert(kept->row.list);
  }
  return lists_.take(account, list, part, text, done, at);
}

Task<Result<std::string>> Extracts::ask(const Request& request) {
  auto caller = lookup_.identity_.identify(request);
  if (!caller) {
    auto turned = co_await lookup_.turned_away(request, caller.error());
    co_return std::unexpected(turned.error());
  }
  const std::shared_ptr<const Asked> asked = caller->asked();
  Failure why{Reason::malformed_value, "an extract is asked of a list"};
  std::vector<std::string> citizens;
  bool good = asked->question.list.has_value();
  if (good) {
    auto list = lists_.load(asked->asker.account, asked->question.list->digest, asked->received);
    good = list.has_value() && list->size() == asked->question.list->citizens;
    if (good)
      citizens = *std::move(list);
    else
      why = list ? Failure{Reason::list_unknown, {}} : list.error();
  }
  if (!good) {
    auto told = co_await lookup_.refused(*asked, why);
    co_return std::unexpected(told.error());
  }
  {
    const std::lock_guard lock(mutex_);
    const bool mine = std::any_of(kept_.begin(), kept_.end(), [&](const auto& one) {
      return one.second->row.account == asked->asker.account &&
             (one.second->row.state == ExtractState::making ||
              one.second->row.state == ExtractState::closing);
    });
    if (mine || waiting_.size() >= kWaitingMax || stopping_)
      co_return fail(Reason::too_busy, "an extract is being made");
  }
  auto grant = lookup_.policy_.grant(*std::move(caller));
  if (!grant) {
    auto told = co_await lookup_.refused(*asked, grant.error());
    co_return std::unexpected(told.error());
  }
  ExtractRow row = row_for(*asked, *grant, *setup_.fields);
  auto clearance = lookup_.detection_.clear(*std::move(grant));
  if (!clearance) {
    auto told = co_await lookup_.refused(*asked, clearance.error());
    co_return std::unexpected(told.error());
  }
  auto slot = lookup_.vault_.make_slot();
  if (!slot) co_return std::unexpected(slot.error());
  if (auto synced = lookup_.vault_.sync_slots(); !synced) co_return std::unexpected(synced.error());
  row.slot = vault::number(*slot);
  row.from_entry = lookup_.ledger_.size();
  auto kept = std::make_shared<Kept>();
  kept->row = row;
  {
    const std::lock_guard lock(mutex_);
    kept_[row.id] = kept;
  }
  if (auto saved = save(row); !saved) co_return std::unexpected(saved.error());
  std::string id = row.id;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::unique_ptr<Job>(new Job{std::move(row), *std::move(clearance),
                                                    std::move(citizens), asked, std::move(kept),
                                                     nullptr, {}}));
  }
  wake_.notify_all();
  co_return id;
}

void Extracts::run() {
  // Lookups come first: whoever waits for ten thousand rows can wait a little longer.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kYields);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::unique_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    make(*job);
    job.reset();
    lock.lock();
  }
}

void Extracts::make(Job& job) {
  auto done = wait(made(job));
  if (done) return;
  Failure why = done.error();
  const bool stopped = why.reason == Reason::shutting_down;
  if (!stopped && row_of(why.reason).refused) {
    auto told = wait(lookup_.refused(*job.asked, why));
    insist(!told);
    why = told.error();
  }
  job.row.reason = std::string(row_of(why.reason).id);
  job.row.detail = row_of(why.reason).detail_shown ? why.detail : std::string();
  // What cannot be written down is settled by the next start.
  auto ended = destroy(job.row, stopped ? ExtractState::voided : ExtractState::refused);
  static_cast<void>(ended);
  job.debt.reset();
}

Task<Result<void>> Extracts::made(Job& job) {
  auto roll = lookup_.registry_.roll(std::move(job.clearance), job.citizens);
  if (!roll) co_return std::unexpected(roll.error());
  std::vector<std::string>().swap(job.citizens);
  // All of it is judged at once: budgets hold for the whole list or for none of it.
  auto settled = lookup_.detection_.settle(*roll);
  if (!settled) co_return std::unexpected(settled.error());

  auto key = key_of(job.row);
  if (!key) co_return std::unexpected(key.error());
  SealedRows place;
  place.file = file_of(job.row.id);
  place.key = *std::move(key);
  place.id = bytes_of_id(job.row.id);
  // No account key, no answer: decoys follow from it as well.
  auto marking = lookup_.disclosure_.ready(*roll);
  auto marked = co_await std::move(marking);
  if (!marked) co_return std::unexpected(marked.error());
  const disclosure::DecoyMaker::IsFree is_free = [this](const std::string& citizen) {
    return is_nobody(citizen);
  };
  auto maker = disclosure::ExtractMaker::begin(lookup_.disclosure_, disk(), *setup_.fields, *roll,
                                               std::move(place), is_free);
  if (!maker) co_return std::unexpected(maker.error());
  auto debt = lookup_.vault_.debts().open();
  if (!debt) co_return std::unexpected(debt.error());
  job.debt = *std::move(debt);
  lookup_.vault_.debts().waiting(*job.debt);
  ledger::Bulk bulk;
  const std::size_t citizens = roll->people().size();
  for (std::size_t at = 0; at < citizens; at += kPart) {
    if (stopping_) co_return fail(Reason::shutting_down);
    auto part = lookup_.registry_.fetch_part(*roll, at, std::min(kPart, citizens - at));
    if (!part) co_return std::unexpected(part.error());
    // The key may have been wiped since the part before.
    lookup_.wait_on_account(*part);
    auto keyed = lookup_.disclosure_.ready(*part);
    auto ready = co_await std::move(keyed);
    if (!ready) co_return std::unexpected(ready.error());
    auto draft = maker->add(*std::move(part));
    if (!draft) co_return std::unexpected(draft.error());
    auto stands = lookup_.identity_.still_stands(*draft);
    if (!stands) co_return std::unexpected(stands.error());
    auto gathered = lookup_.ledger_.gather(bulk, *draft);
    if (!gathered) co_return std::unexpected(gathered.error());
    auto owed = owe(job, *draft);
    if (!owed) co_return owed;
    job.kept->done = maker->facts().citizens;
    if (setup_.paused) setup_.paused(maker->facts().citizens);
  }
  auto slice = lookup_.vault_.system_slice(now());
  if (!slice) co_return std::unexpected(slice.error());
  auto closing = maker->close(*std::move(roll), *std::move(slice));
  if (!closing) co_return std::unexpected(closing.error());
  auto stands = lookup_.identity_.still_stands(*closing);
  if (!stands) co_return std::unexpected(stands.error());

  ExtractRow& row = job.row;
  row.columns = maker->facts().columns;
  row.rows = maker->facts().rows;
  row.with_records = maker->facts().with_records;
  row.marked = maker->facts().marked;
  row.decoys = maker->facts().decoys;
  if (auto noted = note_decoys(row, maker->decoys(), maker->facts().answers); !noted)
    co_return std::unexpected(noted.error());
  row.bytes = maker->rows().bytes;
  row.sha256 = crypto::hex(maker->rows().digest);
  row.state = ExtractState::closing;
  if (auto saved = save(row); !saved) co_return saved;

  auto receipt = co_await lookup_.ledger_.append(std::move(bulk), *closing);
  if (!receipt) co_return std::unexpected(receipt.error());
  auto paid = lookup_.pay(*job.debt, job.owed, *receipt);
  if (!paid) co_return paid;
  lookup_.detection_.commit(*closing, *receipt);
  lookup_.policy_.commit(*closing);

  auto extract = lookup_.disclosure_.release(maker->rows(), *receipt);
  if (!extract) co_return std::unexpected(extract.error());
  row.first = number(receipt->bulk()->first);
  row.export_entry = number(receipt->entries().back().index);
  row.made = number(receipt->entries().back().time);
  row.expires = row.made + row.keep_ms;
  row.state = ExtractState::ready;
  {
    const std::lock_guard lock(mutex_);
    job.kept->extract = std::make_shared<const Extract>(*std::move(extract));
  }
  // If this cannot be written, the next start finds the EXPORT and says the same.
  co_return save(row);
}

// The part's plaintext goes with its Draft, but its rows stay, sealed, until the entries are there.
Result<void> Extracts::owe(Job& job, const Draft& part) {
  Reservation* const debt = part.findings().debt();
  insist(debt != nullptr);
  for (const Draft::Share& share : part.shares()) job.owed.push_back(*share.entry.subject);
  return lookup_.vault_.debts().take_over(*job.debt, *debt);
}

Result<bool> Extracts::is_nobody(const std::string& citizen) const {
  const Tag tag = lookup_.vault_.tag({SubjectKind::national_id, citizen});
  std::string row;
  auto there =
      setup_.store->get(storage::Table::subjects, crypto::text_of(crypto::Bytes(tag)), row);
  if (!there) return there;
  return !*there;
}

// note_decoys has the register and detection know them before anybody can fetch one.
Result<void> Extracts::note_decoys(const ExtractRow& row,
                                   const std::vector<disclosure::Decoy>& decoys,
                                   const Digest& answers) {
  if (decoys.empty()) return {};
  std::vector<DecoyGiven> given;
  std::vector<SubjectName> names;
  for (const disclosure::Decoy& decoy : decoys) {
    given.push_back({row.id, row.recipient, row.account, decoy.number, decoy.citizen, decoy.share,
                     decoy.rows, crypto::hex(answers), row.asked});
    names.push_back({SubjectKind::national_id, decoy.citizen});
  }
  if (auto noted = register_.note(given); !noted) return noted;
  return setup_.on_decoys ? setup_.on_decoys(names, row.id) : Result<void>{};
}

Result<std::vector<DecoyGiven>> Extracts::decoys(const Caller& first, const Caller& second) const {
  return register_.open(first, second, lookup_.policy_);
}

Result<std::vector<DecoyGiven>> Extracts::decoys_after_seal(
    const DecoyRegister::Sealed& trace) const {
  return register_.open_after_seal(trace);
}

std::shared_ptr<Extracts::Kept> Extracts::find(AccountId account, std::string_view id) const {
  const auto at = kept_.find(id);
  return at == kept_.end() || at->second->row.account != account ? nullptr : at->second;
}

std::vector<ExtractView> Extracts::list(AccountId account) const {
  std::vector<ExtractView> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, kept] : kept_)
      if (kept->row.account == account) out.push_back({kept->row, kept->done});
  }
  std::sort(out.begin(), out.end(), [](const ExtractView& a, const ExtractView& b) {
    return std::tie(b.row.asked, b.row.id) < std::tie(a.row.asked, a.row.id);
  });
  return out;
}

Result<ExtractView> Extracts::view(AccountId account, std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto kept = find(account, id);
  if (kept == nullptr) return fail(Reason::extract_unknown);
  return ExtractView{kept->row, kept->done};
}

Result<std::string> Extracts::manifest(AccountId account, std::string_view id) const {
  auto seen = view(account, id);
  if (!seen) return std::unexpected(seen.error());
  const ExtractRow& row = seen->row;
  if (row.state == ExtractState::making || row.state == ExtractState::closing)
    return fail(Reason::extract_unfinished);
  if (row.export_entry == 0) return fail(Reason::extract_gone, std::string(word_of(row.state)));
  return lookup_.ledger_.sign_statement(manifest_of(row, lookup_.ledger_.origin()));
}

Result<Answer> Extracts::read(const Asker& asker, std::string_view id, std::uint64_t offset,
                              std::size_t size) const {
  for (const detection::Hold& hold : lookup_.detection_.holds())
    if (hold.actor.account == asker.account &&
        (hold.tier == detection::Tier::suspend || hold.tier == detection::Tier::hold))
      return fail(Reason::account_on_hold);
  std::shared_ptr<const Extract> extract;
  {
    const std::lock_guard lock(mutex_);
    const auto kept = find(asker.account, id);
    if (kept == nullptr) return fail(Reason::extract_unknown);
    if (kept->row.state == ExtractState::making || kept->row.state == ExtractState::closing)
      return fail(Reason::extract_unfinished);
    if (kept->extract == nullptr || kept->row.expires <= number(now()))
      return fail(Reason::extract_gone, std::string(word_of(kept->row.state)));
    extract = kept->extract;
  }
  return lookup_.disclosure_.read(disk(), *extract, offset, size);
}

Result<void> Extracts::wipe(AccountId account, std::string_view id) {
  auto seen = view(account, id);
  if (!seen) return std::unexpected(seen.error());
  if (is_over(seen->row.state)) return {};
  if (seen->row.state != ExtractState::ready) return fail(Reason::extract_unfinished);
  return destroy(std::move(seen->row), ExtractState::wiped);
}

Result<void> Extracts::wipe_all(std::string_view why) {
  std::vector<ExtractRow> ready;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, kept] : kept_)
      if (kept->row.state == ExtractState::ready) ready.push_back(kept->row);
  }
  for (ExtractRow& row : ready) {
    row.detail = why;
    if (auto gone = destroy(std::move(row), ExtractState::wiped); !gone) return gone;
  }
  return {};
}

Result<void> Extracts::sweep(Moment at) {
  std::vector<ExtractRow> expired;
  std::vector<std::string> forgotten;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, kept] : kept_) {
      if (kept->row.state == ExtractState::ready && kept->row.expires <= number(at))
        expired.push_back(kept->row);
      if (is_over(kept->row.state) && kept->row.asked + kForgottenMs <= number(at))
        forgotten.push_back(id);
    }
  }
  for (ExtractRow& row : expired)
    if (auto gone = destroy(std::move(row), ExtractState::wiped); !gone) return gone;
  storage::Batch batch;
  for (const auto& id : forgotten) batch.erase(storage::Table::settings, key_of_row(id));
  if (!batch.empty()) {
    if (auto written = setup_.store->write(batch, storage::Durability::buffered); !written)
      return written;
    const std::lock_guard lock(mutex_);
    for (const auto& id : forgotten) kept_.erase(id);
  }
  return lists_.drop_old(at);
}

}  // namespace amanat::lookup
