// amanat-unpack KIND: takes apart what a find is packed in, from standard input to standard output
// (net/unpack.h has the form). It is started for one find and may do nothing else: before it reads
// a byte it gives up memory beyond a bound, all files, the network and other programs, so that a
// hole in a library that reads hostile bytes is worth one garbled part.

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <freexl.h>
#include <seccomp.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kFrameMax = 64 * 1024;
#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
constexpr rlim_t kMemoryMax = RLIM_INFINITY;  // its shadow alone is terabytes of addresses
#else
constexpr rlim_t kMemoryMax = rlim_t{3} << 30;
#endif
constexpr rlim_t kHeldSecondsMax = 600;
constexpr unsigned kSheetsMax = 1024;
constexpr std::uint64_t kHeldBytesMax = std::uint64_t{1} << 30;

[[noreturn]] void end(int code) { ::_exit(code); }

void put(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(1, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) end(2);  // nobody listens any more
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}
void say(char kind, std::string_view bytes) {
  do {
    const std::string_view some = bytes.substr(0, kFrameMax);
    std::string frame(1, kind);
    for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(some.size() >> shift));
    put(frame.append(some));
    bytes.remove_prefix(some.size());
  } while (!bytes.empty());
}
[[noreturn]] void stop(std::string_view why) {
  say('e', why);
  end(1);
}

void limit(__rlimit_resource what, rlim_t most) {
  const rlimit to{most, most};
  if (::setrlimit(what, &to) != 0) end(2);
}

using Filter = std::unique_ptr<void, void (*)(void*)>;

Filter filter_that(std::uint32_t does_else) {
  Filter filter(::seccomp_init(does_else), &::seccomp_release);
  if (!filter) end(2);
  return filter;
}
void load(const Filter& filter) {
  if (::seccomp_load(filter.get()) != 0) end(2);
}
void treat(const Filter& filter, std::uint32_t as, std::initializer_list<int> calls) {
  for (const int call : calls)
    if (::seccomp_rule_add(filter.get(), as, call, 0) != 0) end(2);
}

// Nothing but reading what was handed over, writing what is found, and memory; with `readable`,
// opening files to read them as well.
enum class Files { none, readable };
void keep_reading_alone(Files files = Files::none) {
  const Filter filter = filter_that(SCMP_ACT_ERRNO(EPERM));
  treat(filter, SCMP_ACT_ALLOW,
        {SCMP_SYS(read),        SCMP_SYS(write),        SCMP_SYS(lseek),
         SCMP_SYS(fstat),       SCMP_SYS(mmap),         SCMP_SYS(munmap),
         SCMP_SYS(mremap),      SCMP_SYS(mprotect),     SCMP_SYS(madvise),
         SCMP_SYS(brk),         SCMP_SYS(futex),        SCMP_SYS(clock_gettime),
         SCMP_SYS(getrandom),   SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
         SCMP_SYS(exit),        SCMP_SYS(exit_group),   SCMP_SYS(sched_yield),
         SCMP_SYS(getpid),      SCMP_SYS(gettid),       SCMP_SYS(sched_getaffinity),
         SCMP_SYS(sigaltstack), SCMP_SYS(newfstatat)});
  if (files == Files::readable) {
    treat(filter, SCMP_ACT_ALLOW, {SCMP_SYS(close), SCMP_SYS(pread64), SCMP_SYS(readlink)});
    const scmp_arg_cmp to_read =
        SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
    if (::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, to_read) != 0) end(2);
  }
  load(filter);
}

struct CloseArchive {
  void operator()(archive* a) const { ::archive_read_free(a); }
};

std::string why(archive* a, std::string_view otherwise) {
  // The library's own words may quote a name: only what kind of trouble it is goes on.
  const char* text = ::archive_error_string(a);
  const std::string_view said = text != nullptr ? text : "";
  if (said.find("ncrypt") != said.npos || said.find("assphrase") != said.npos)
    return "a locked archive";
  return std::string(otherwise);
}

void take_archive_apart() {
  const std::unique_ptr<archive, CloseArchive> a(::archive_read_new());
  if (!a) end(2);
  for (const auto filter :
       {&archive_read_support_filter_bzip2, &archive_read_support_filter_xz,
        &archive_read_support_filter_zstd, &archive_read_support_filter_lz4,
        &archive_read_support_filter_lzip, &archive_read_support_filter_compress,
        &archive_read_support_filter_gzip})
    filter(a.get());
  for (const auto format : {&archive_read_support_format_tar, &archive_read_support_format_7zip,
                            &archive_read_support_format_rar, &archive_read_support_format_rar5,
                            &archive_read_support_format_raw})
    format(a.get());
  keep_reading_alone();
  if (::archive_read_open_fd(a.get(), 0, kFrameMax) != ARCHIVE_OK)
    stop(why(a.get(), "an archive that is damaged"));
  std::array<char, kFrameMax> some;
  for (archive_entry* entry = nullptr;;) {
    const int head = ::archive_read_next_header(a.get(), &entry);
    if (head == ARCHIVE_EOF) break;
    if (head < ARCHIVE_WARN) stop(why(a.get(), "an archive that is damaged"));
    // Any bytes are "raw": that counts only where a filter unpacked them.
    if (::archive_format(a.get()) == ARCHIVE_FORMAT_RAW && ::archive_filter_count(a.get()) < 2)
      stop("an archive that is damaged");
    const mode_t type = ::archive_entry_filetype(entry);
    if (type != AE_IFREG && type != 0) continue;
    if (::archive_entry_is_encrypted(entry) != 0) stop("a locked archive");
    const char* name = ::archive_entry_pathname(entry);
    say('n', name != nullptr ? std::string_view(name).substr(0, 1024) : "part");
    for (;;) {
      const la_ssize_t n = ::archive_read_data(a.get(), some.data(), some.size());
      if (n == 0) break;
      if (n < 0) stop(why(a.get(), "an archive that is damaged from here on"));
      say('d', {some.data(), static_cast<std::size_t>(n)});
    }
  }
  say('z', {});
}

std::vector<unsigned char> everything() {
  struct stat status {};
  if (::fstat(0, &status) != 0 || status.st_size < 0 ||
      static_cast<std::uint64_t>(status.st_size) > kHeldBytesMax)
    end(2);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::read(0, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) end(2);
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

struct Finalize {
  void operator()(sqlite3_stmt* s) const { ::sqlite3_finalize(s); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

std::string quoted(std::string_view text, char with) {
  std::string out(1, with);
  for (const char c : text) {
    if (c == with) out.push_back(c);
    if (c != '\0') out.push_back(c);
  }
  return out + with;
}

Statement prepared(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  ::sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  return Statement(statement);
}
std::string_view column(sqlite3_stmt* row, int i) {
  const void* bytes = ::sqlite3_column_blob(row, i);
  const int n = ::sqlite3_column_bytes(row, i);
  return bytes != nullptr && n > 0
             ? std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(n))
             : std::string_view();
}
std::string cell(sqlite3_stmt* row, int i) {
  switch (::sqlite3_column_type(row, i)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return std::to_string(::sqlite3_column_int64(row, i));
    case SQLITE_FLOAT: {
      const auto* text = reinterpret_cast<const char*>(::sqlite3_column_text(row, i));
      return text != nullptr ? text : "";
    }
    default:
      return quoted(column(row, i).substr(0, 1u << 20), '"');
  }
}

bool table_rows(sqlite3* db, const std::string& table) {
  const Statement rows = prepared(db, "SELECT * FROM " + quoted(table, '"'));
  if (!rows) return false;
  say('n', std::string_view(table).substr(0, 1024));
  const int columns = ::sqlite3_column_count(rows.get());
  std::string text;
  for (int i = 0; i < columns; ++i)
    text.append(i > 0 ? "," : "").append(quoted(::sqlite3_column_name(rows.get(), i), '"'));
  text.push_back('\n');
  int step = SQLITE_ROW;
  while ((step = ::sqlite3_step(rows.get())) == SQLITE_ROW) {
    for (int i = 0; i < columns; ++i) text.append(i > 0 ? "," : "").append(cell(rows.get(), i));
    text.push_back('\n');
    if (text.size() < kFrameMax) continue;
    say('d', text);
    text.clear();
  }
  if (!text.empty()) say('d', text);
  return step == SQLITE_DONE;
}

void take_database_apart() {
  ::sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  ::sqlite3_initialize();
  keep_reading_alone();
  std::vector<unsigned char> bytes = everything();
  // A database left in WAL mode reads its log from a file that is not here: what it holds itself is
  // read as if it had been closed.
  if (bytes.size() > 19 && bytes[18] == 2) bytes[18] = bytes[19] = 1;
  sqlite3* db = nullptr;
  if (::sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, nullptr) !=
      SQLITE_OK)
    end(2);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  ::sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 16 << 20);
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  if (::sqlite3_deserialize(db, "main", bytes.data(), size, size, SQLITE_DESERIALIZE_READONLY) !=
      SQLITE_OK)
    stop("a database that is damaged");
  std::vector<std::string> tables;
  {
    // Virtual tables run code of their own.
    const Statement names = prepared(db,
                                     "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql "
                                     "NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite\\_%' "
                                     "ESCAPE '\\' LIMIT 10000");
    if (!names) stop("a database that is damaged or locked");
    while (::sqlite3_step(names.get()) == SQLITE_ROW) tables.emplace_back(column(names.get(), 0));
  }
  bool whole = true;
  for (const std::string& table : tables) whole &= table_rows(db, table);
  if (!whole) stop("a database that is damaged from here on");
  say('z', {});
}

std::string number_text(double n) {
  // A workbook keeps every number as this; one without a fraction is meant as it is written.
  std::array<char, 512> text;
  const auto [to, error] =
      std::to_chars(text.data(), text.data() + text.size(), n, std::chars_format::fixed);
  return error == std::errc() ? std::string(text.data(), to) : std::string();
}
std::string cell(const FreeXL_CellValue& value) {
  switch (value.type) {
    case FREEXL_CELL_INT:
      return std::to_string(value.value.int_value);
    case FREEXL_CELL_DOUBLE:
      return number_text(value.value.double_value);
    case FREEXL_CELL_TEXT:
    case FREEXL_CELL_SST_TEXT:
    case FREEXL_CELL_DATE:
    case FREEXL_CELL_DATETIME:
    case FREEXL_CELL_TIME:
      return value.value.text_value != nullptr ? quoted(value.value.text_value, '"') : "";
    default:
      return {};
  }
}

void sheet_rows(const void* book) {
  unsigned rows = 0;
  unsigned short columns = 0;
  if (::freexl_worksheet_dimensions(book, &rows, &columns) != FREEXL_OK) return;
  std::string text;
  for (unsigned row = 0; row < rows; ++row) {
    for (unsigned short i = 0; i < columns; ++i) {
      FreeXL_CellValue value;
      if (i > 0) text.push_back(',');
      if (::freexl_get_cell_value(book, row, i, &value) == FREEXL_OK) text.append(cell(value));
    }
    text.push_back('\n');
    if (text.size() < kFrameMax) continue;
    say('d', text);
    text.clear();
  }
  if (!text.empty()) say('d', text);
}

void take_workbook_apart() {
  // The library opens its file itself, and loads what it needs to read other alphabets.
  keep_reading_alone(Files::readable);
  const void* book = nullptr;
  if (::freexl_open("/proc/self/fd/0", &book) != FREEXL_OK)
    stop("an old Office file that is no workbook, or a locked one (save it as CSV or text)");
  unsigned sheets = 0;
  ::freexl_get_info(book, FREEXL_BIFF_SHEET_COUNT, &sheets);
  for (unsigned sheet = 0; sheet < sheets && sheet < kSheetsMax; ++sheet) {
    const char* name = nullptr;
    const auto number = static_cast<unsigned short>(sheet);
    if (::freexl_get_worksheet_name(book, number, &name) != FREEXL_OK ||
        ::freexl_select_active_worksheet(book, number) != FREEXL_OK)
      continue;
    say('n', name != nullptr ? std::string_view(name).substr(0, 1024) : "sheet");
    sheet_rows(book);
  }
  say('z', {});
}

// pdftotext is another's program: it may read files, its own libraries among them, and nothing
// else.
[[noreturn]] void read_pdf() {
  limit(RLIMIT_FSIZE, 0);
  const Filter filter = filter_that(SCMP_ACT_ALLOW);
  treat(filter, SCMP_ACT_ERRNO(EPERM),
        {SCMP_SYS(socket),
         SCMP_SYS(socketpair),
         SCMP_SYS(connect),
         SCMP_SYS(bind),
         SCMP_SYS(sendto),
         SCMP_SYS(sendmsg),
         SCMP_SYS(ptrace),
         SCMP_SYS(process_vm_readv),
         SCMP_SYS(process_vm_writev),
         SCMP_SYS(kill),
         SCMP_SYS(tgkill),
         SCMP_SYS(tkill),
         SCMP_SYS(fork),
         SCMP_SYS(vfork),
         SCMP_SYS(unlink),
         SCMP_SYS(unlinkat),
         SCMP_SYS(rename),
         SCMP_SYS(renameat),
         SCMP_SYS(renameat2),
         SCMP_SYS(mkdir),
         SCMP_SYS(mkdirat),
         SCMP_SYS(truncate),
         SCMP_SYS(ftruncate),
         SCMP_SYS(chmod),
         SCMP_SYS(fchmod),
         SCMP_SYS(fchmodat),
         SCMP_SYS(mount),
         SCMP_SYS(setuid),
         SCMP_SYS(setgid),
         SCMP_SYS(io_uring_setup),
         SCMP_SYS(keyctl),
         SCMP_SYS(bpf),
         SCMP_SYS(unshare),
         SCMP_SYS(pidfd_getfd)});
  load(filter);
  const std::array<const char*, 8> words = {"pdftotext", "-q", "-layout", "-enc",
                                            "UTF-8",     "-",  "-",       nullptr};
  const std::array<const char*, 1> environment = {nullptr};
  ::execve("/usr/bin/pdftotext", const_cast<char* const*>(words.data()),
           const_cast<char* const*>(environment.data()));
  end(127);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 2 ? argv[1] : "";
  ::close_range(3, ~0u, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, kMemoryMax);
  if (kind != "stream") limit(RLIMIT_CPU, kHeldSecondsMax);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    end(2);
  if (kind == "stream" || kind == "seven")
    take_archive_apart();
  else if (kind == "sqlite")
    take_database_apart();
  else if (kind == "workbook")
    take_workbook_apart();
  else if (kind == "pdf")
    read_pdf();
  else
    end(2);
  end(0);
}
