#include "lookup/trails.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "crypto/crypto.h"

// A block: 32-byte head (magic, u64 first entry, u64 first time, u64 bytes that follow), then nonce
// and sealed contents. Contents: u32 words, each u16 length and bytes; then a row an entry: u48
// milliseconds since the block's first, u8 type, u32 account, u16 word. All big-endian. What is not
// yet a whole block is kept in memory and read from the ledger again by the next start.

namespace amanat::lookup {
namespace {

constexpr std::string_view kMagic = "AMNTRL01";
constexpr std::size_t kHead = 32, kRow = 13, kBlockEntries = 65'536;
constexpr std::size_t kBlockBytesMax = 16u << 20, kPurposeBytesMax = 256;

void put(std::string& out, std::uint64_t n, unsigned bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(n >> (8 * bytes)));
}
std::uint64_t get(std::string_view bytes, std::size_t at, unsigned n) {
  std::uint64_t value = 0;
  while (n-- > 0) value = value << 8 | static_cast<unsigned char>(bytes[at++]);
  return value;
}

// Block is entries in a row, with the purposes that occur in them.
struct Block {
  std::uint64_t first = 0, first_time = 0;
  std::vector<std::string> words = {""};
  std::string rows;
  std::size_t size() const { return rows.size() / kRow; }
};

std::string contents_of(const Block& block) {
  std::string out;
  put(out, block.words.size(), 4);
  for (const auto& word : block.words) {
    put(out, word.size(), 2);
    out += word;
  }
  return out + block.rows;
}

// The contents are ours and sealed, so a wrong length is damage that the seal would have shown.
Result<Block> block_of(std::string_view contents) {
  Block block;
  const auto broken = [] { return fail(Reason::seal_broken, "a block of the trails"); };
  if (contents.size() < 4) return broken();
  std::uint64_t words = get(contents, 0, 4);
  contents.remove_prefix(4);
  block.words.clear();
  for (; words > 0; --words) {
    if (contents.size() < 2) return broken();
    const std::size_t n = get(contents, 0, 2);
    if (contents.size() < 2 + n) return broken();
    block.words.emplace_back(contents.substr(2, n));
    contents.remove_prefix(2 + n);
  }
  if (contents.size() % kRow != 0 || block.words.empty()) return broken();
  block.rows = contents;
  return block;
}

struct Row {
  std::uint64_t time;
  EntryType type;
  AccountId account;
  std::size_t word;
};
Row row_at(const Block& block, std::size_t i) {
  const std::size_t at = i * kRow;
  return {block.first_time + get(block.rows, at, 6),
          static_cast<EntryType>(get(block.rows, at + 6, 1)),
          AccountId{static_cast<std::uint32_t>(get(block.rows, at + 7, 4))},
          get(block.rows, at + 11, 2)};
}

void add(Block& block, std::map<std::string, std::size_t>& known, const ledger::Opened& entry) {
  const std::uint64_t time = number(entry.time);
  if (block.rows.empty()) {
    block.first = number(entry.index);
    block.first_time = time;
  }
  std::string purpose =
      entry.parts[static_cast<std::size_t>(BodyPart::purpose) - 1].substr(0, kPurposeBytesMax);
  std::size_t word = 0;
  if (!purpose.empty()) {
    const auto [at, added] = known.try_emplace(purpose, block.words.size());
    // A block of nothing but different purposes still has one number for each.
    if (added && block.words.size() < 65'535) block.words.push_back(std::move(purpose));
    word = at->second < block.words.size() ? at->second : 0;
  }
  put(block.rows, std::max(time, block.first_time) - block.first_time, 6);
  put(block.rows, static_cast<std::uint64_t>(entry.type), 1);
  put(block.rows, entry.actor ? number(entry.actor->account) : 0, 4);
  put(block.rows, word, 2);
}

}  // namespace

struct Trails::State {
  struct Place {
    std::uint64_t first = 0, first_time = 0, offset = 0, bytes = 0;
  };
  Options options;
  std::unique_ptr<storage::File> file;
  std::mutex writer;         // one thread catches up or forgets; taken before `mutex`
  mutable std::mutex mutex;  // a File is used by one thread at a time
  std::vector<Place> places;
  std::uint64_t end = 0;  // of the file
  Block open;             // the last entries, not yet written
  std::map<std::string, std::size_t> known;

  std::uint64_t covered() const { return places.size() * kBlockEntries + open.size(); }

  std::string associated(std::uint64_t first) const {
    std::string text = "amanat/trails/v1";
    text.push_back('\0');
    put(text, first, 8);
    return text;
  }

  Result<void> read_places() {
    std::string head;
    for (;;) {
      head.clear();
      if (auto read = file->read_at(end, kHead, head); !read) return read;
      if (head.size() < kHead || !std::string_view(head).starts_with(kMagic)) return {};
      Place place{get(head, 8, 8), get(head, 16, 8), end + kHead, get(head, 24, 8)};
      if (place.first != places.size() * kBlockEntries || place.bytes > kBlockBytesMax) return {};
      std::string last;
      if (auto read = file->read_at(place.offset + place.bytes - 1, 1, last); !read) return read;
      if (last.size() != 1) return {};
      places.push_back(place);
      end = place.offset + place.bytes;
    }
  }

  Result<void> write_block() {
    std::string sealed;
    const std::string contents = contents_of(open), bound = associated(open.first);
    crypto::seal(options.key, crypto::bytes_of(bound), crypto::bytes_of(contents), sealed);
    std::string out(kMagic);
    put(out, open.first, 8);
    put(out, open.first_time, 8);
    put(out, sealed.size(), 8);
    out += sealed;
    const std::lock_guard one(mutex);
    if (auto written = file->write_at(end, out); !written) return written;
    places.push_back({open.first, open.first_time, end + kHead, sealed.size()});
    end += out.size();
    open = Block{};
    known.clear();
    return {};
  }

  Result<Block> block(std::size_t i) const {
    Place place;
    std::string sealed;
    {
      const std::lock_guard one(mutex);
      if (i == places.size()) return open;
      if (i > places.size()) return Block{};  // forgotten meanwhile
      place = places[i];
      if (auto read = file->read_at(place.offset, place.bytes, sealed); !read)
        return std::unexpected(read.error());
    }
    WipingBuffer plain;
    const std::string bound = associated(place.first);
    if (auto opened =
            crypto::open(options.key, crypto::bytes_of(bound), crypto::bytes_of(sealed), plain);
        !opened)
      return std::unexpected(opened.error());
    auto block = block_of(plain.view());
    if (!block) return block;
    block->first = place.first;
    block->first_time = place.first_time;
    return block;
  }
};

Trails::Trails(std::unique_ptr<State> state) : state_(std::move(state)) {}
Trails::~Trails() = default;

Result<std::unique_ptr<Trails>> Trails::open(const Options& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  storage::Disk& disk = options.disk ? *options.disk : storage::system_disk();
  auto file = disk.open(options.file, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(file.error());
  state->file = *std::move(file);
  if (auto read = state->read_places(); !read) return std::unexpected(read.error());
  return std::unique_ptr<Trails>(new Trails(std::move(state)));
}

Result<bool> Trails::catch_up(const Scan& scan, std::size_t most) {
  State& s = *state_;
  const std::lock_guard alone(s.writer);
  std::size_t taken = 0;
  Result<void> written;
  auto scanned = scan(EntryIndex{s.covered()}, [&](const ledger::Opened& entry) {
    {
      const std::lock_guard one(s.mutex);
      add(s.open, s.known, entry);
    }
    if (s.open.size() == kBlockEntries) written = s.write_block();
    return written.has_value() && ++taken < most;
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (!written) return std::unexpected(written.error());
  return taken == most;
}

Result<void> Trails::forget() {
  State& s = *state_;
  const std::lock_guard alone(s.writer);
  const std::lock_guard one(s.mutex);
  storage::Disk& disk = s.options.disk ? *s.options.disk : storage::system_disk();
  s.file.reset();
  if (auto removed = disk.remove(s.options.file); !removed) return removed;
  auto file = disk.open(s.options.file, storage::Disk::Open::create_or_existing);
  if (!file) return std::unexpected(file.error());
  s.file = *std::move(file);
  s.places.clear();
  s.end = 0;
  s.open = Block{};
  s.known.clear();
  return {};
}

Result<TrailPage> Trails::find(const TrailQuery& query) const {
  const State& s = *state_;
  TrailPage page;
  std::size_t blocks = 0;
  {
    const std::lock_guard one(s.mutex);
    blocks = s.places.size() + 1;
    page.entries = s.covered();
  }
  for (std::size_t b = blocks; b-- > 0;) {
    {
      const std::lock_guard one(s.mutex);
      if (b < s.places.size()) {
        const auto& place = s.places[b];
        if (query.before && place.first >= number(*query.before)) continue;
        if (query.to && place.first_time >= number(*query.to)) continue;
      }
    }
    auto block = s.block(b);
    if (!block) return std::unexpected(block.error());
    std::optional<std::size_t> word;
    if (!query.purpose.empty()) {
      const auto at = std::find(block->words.begin(), block->words.end(), query.purpose);
      if (at == block->words.end()) continue;
      word = static_cast<std::size_t>(at - block->words.begin());
    }
    for (std::size_t i = block->size(); i-- > 0;) {
      const std::uint64_t entry = block->first + i;
      if (query.before && entry >= number(*query.before)) continue;
      const Row row = row_at(*block, i);
      if (query.to && row.time >= number(*query.to)) continue;
      // Times never decrease along the log: nothing older is wanted either.
      if (query.from && row.time < number(*query.from)) return page;
      if (query.account && row.account != *query.account) continue;
      if (query.type && row.type != *query.type) continue;
      if (word && row.word != *word) continue;
      if (page.lines.size() == query.most) {
        page.more_before = EntryIndex{entry + 1};
        return page;
      }
      insist(row.word < block->words.size());
      page.lines.push_back(
          {EntryIndex{entry}, Moment{row.time}, row.type, row.account, block->words[row.word]});
    }
  }
  return page;
}

Result<TrailTally> Trails::tally(const std::set<AccountId>& accounts, Moment from,
                                 std::uint64_t most) const {
  const State& s = *state_;
  TrailTally tally;
  std::size_t blocks = 0;
  {
    const std::lock_guard one(s.mutex);
    blocks = s.places.size() + 1;
  }
  for (std::size_t b = blocks; b-- > 0;) {
    auto block = s.block(b);
    if (!block) return std::unexpected(block.error());
    for (std::size_t i = block->size(); i-- > 0;) {
      const Row row = row_at(*block, i);
      if (row.time < number(from)) return tally;
      if (tally.looked_at == most) {
        tally.cut = true;
        return tally;
      }
      ++tally.looked_at;
      if (!accounts.contains(row.account)) continue;
      insist(row.word < block->words.size());
      ++tally.counts[{row.account, block->words[row.word], row.type}];
    }
  }
  return tally;
}

}  // namespace amanat::lookup
