// A look at a disk in PostgreSQL as it is at one moment: one transaction that sees one state, and
// writes nothing.

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "model/insist.h"
#include "storage/postgres_disk.h"
#include "storage/postgres_wire.h"

namespace amanat::storage {
namespace {

constexpr std::size_t kBlock = kPostgresBlockBytes;
constexpr std::uint64_t kFetchBlocks = 256;

std::unexpected<Failure> read_only() {
  return fail(Reason::file_failed, "this is a look: nothing is written");
}
std::unexpected<Failure> failed(const pg::Fault& fault) {
  return fail(Reason::file_failed, fault.as_failure().detail);
}

class Look : public Disk {
 public:
  explicit Look(std::unique_ptr<pg::Link> link) : link_(std::move(link)) {}
  Result<void> begin(const std::string& name);

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  Result<std::unique_ptr<File>> open_for_recovery(const std::string& path) override {
    return open(path, Open::existing);
  }
  Result<void> rename(const std::string&, const std::string&) override { return read_only(); }
  Result<void> remove(const std::string&) override { return read_only(); }
  Result<void> sync_directory(const std::string&) override { return read_only(); }
  Result<void> make_directory(const std::string&) override { return read_only(); }
  Result<std::vector<std::string>> list(const std::string& path) override;

 private:
  class Handle;
  struct Content {
    std::int64_t file = 0;
    std::uint64_t size = 0;
  };
  Result<void> read(const Content& of, std::uint64_t offset, std::size_t size, std::string& out);

  std::mutex mutex_;
  std::unique_ptr<pg::Link> link_;
  std::string disk_;
  std::map<std::string, Content> names_;
};

class Look::Handle : public File {
 public:
  Handle(Look& look, Content content) : look_(look), content_(content) {}
  Result<void> write_at(std::uint64_t, std::string_view) override { return read_only(); }
  Result<void> read_at(std::uint64_t offset, std::size_t size, std::string& out) const override {
    return look_.read(content_, offset, size, out);
  }
  Result<void> sync() override { return read_only(); }
  Result<void> truncate(std::uint64_t) override { return read_only(); }
  Result<std::uint64_t> size() const override { return content_.size; }

 private:
  Look& look_;
  const Content content_;
};

Result<void> Look::begin(const std::string& name) {
  const std::array<std::string_view, 1> named{name};
  link_->send({"", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"});
  link_->send({"", "SELECT disk FROM amanat_disks WHERE name = $1::text"}, named);
  link_->send({"",
               "SELECT n.path, f.file, f.size FROM amanat_disks d JOIN amanat_disk_names n USING "
               "(disk) JOIN amanat_disk_files f USING (disk, file) WHERE d.name = $1::text"},
              named);
  auto rows = link_->answers();
  if (!rows) {
    const bool none = rows.error().sqlstate == "42P01";
    return none ? fail(Reason::exchange_missing, "the database holds no ledger")
                : std::unexpected(rows.error().as_failure());
  }
  if ((*rows)[1].size() != 1) return fail(Reason::exchange_missing, name);
  disk_ = pg::int_parameter((*rows)[1].number(0, 0));
  const pg::Rows& files = (*rows)[2];
  for (std::size_t i = 0; i < files.size(); ++i)
    names_[std::string(files.bytes(i, 0))] = {files.number(i, 1),
                                              static_cast<std::uint64_t>(files.number(i, 2))};
  return {};
}

Result<std::unique_ptr<File>> Look::open(const std::string& path, Open how) {
  if (how == Open::create_new) return read_only();
  const auto found = names_.find(path);
  if (found == names_.end()) return fail(Reason::file_failed, "open " + path + ": no such file");
  return std::make_unique<Handle>(*this, found->second);
}

Result<std::vector<std::string>> Look::list(const std::string& path) {
  const std::string within = path + "/";
  std::vector<std::string> found;
  bool there = false;
  for (auto it = names_.lower_bound(within); it != names_.end() && it->first.starts_with(within);
       ++it) {
    there = true;
    if (it->first.find('/', within.size()) == std::string::npos)
      found.push_back(it->first.substr(within.size()));
  }
  if (!there) return fail(Reason::file_failed, "list " + path + ": no such directory");
  return found;
}

Result<void> Look::read(const Content& of, std::uint64_t offset, std::size_t size,
                        std::string& out) {
  static const pg::Statement kSelect{
      "blocks",
      "SELECT block, bytes FROM amanat_disk_blocks WHERE disk = $1::int8 AND file = $2::int8 AND "
      "block >= $3::int8 AND block < $4::int8"};
  const std::lock_guard lock(mutex_);
  const std::string file = pg::int_parameter(of.file);
  const std::uint64_t end = std::min<std::uint64_t>(offset + size, of.size);
  const std::size_t before = out.size();
  while (offset < end) {
    const std::uint64_t block = offset / kBlock,
                        until = std::min((end + kBlock - 1) / kBlock, block + kFetchBlocks);
    const std::string from = pg::int_parameter(static_cast<std::int64_t>(block)),
                      to = pg::int_parameter(static_cast<std::int64_t>(until));
    auto rows = link_->ask(kSelect, std::array<std::string_view, 4>{disk_, file, from, to});
    if (!rows) {
      out.resize(before);
      return failed(rows.error());
    }
    std::string bytes((until - block) * kBlock, '\0');
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const std::string_view row = rows->bytes(i, 1);
      const auto at = static_cast<std::uint64_t>(rows->number(i, 0)) - block;
      if (row.size() > kBlock || at >= until - block) return failed({});
      bytes.replace(at * kBlock, row.size(), row);
    }
    const std::uint64_t stop = std::min(until * kBlock, end);
    out.append(bytes, offset - block * kBlock, stop - offset);
    offset = stop;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Disk>> look_at_postgres_disk(const std::string& url,
                                                    const std::string& name) {
  auto target = pg::Target::parse(url);
  if (!target) return std::unexpected(std::move(target.error()));
  auto link = pg::Link::dial(*target);
  if (!link) return std::unexpected(link.error().as_failure());
  auto look = std::make_unique<Look>(*std::move(link));
  if (auto begun = look->begin(name); !begun) return std::unexpected(std::move(begun.error()));
  return std::unique_ptr<Disk>(std::move(look));
}

}  // namespace amanat::storage
