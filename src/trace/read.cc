#include "trace/read.h"

#include <algorithm>
#include <limits>

#include "crypto/crypto.h"
#include "model/insist.h"
#include "net/charset.h"
#include "net/unpack.h"
#include "storage/reading.h"
#include "trace/bytes.h"
#include "trace/gather.h"
#include "trace/parsers.h"
#include "trace/wrapped.h"

// A find is a tree of layers: bytes, perhaps packed, perhaps an archive of parts, each a text in
// some encoding, each of some format. Layers are told by what they begin with, never by their name.

namespace amanat::trace {
namespace {

constexpr std::size_t kSampleBytes = 64 * 1024;

struct Magic {
  std::string_view bytes;
  std::string_view what;
};
// Told apart so that the note can say what it is.
constexpr Magic kUnread[] = {{{"\0\1\0\0Standard ", 13}, "an Access database (export its tables)"},
                             {"\x89PNG", "a picture"},
                             {{"\xFF\xD8\xFF", 3}, "a picture"},
                             {"GIF8", "a picture"},
                             {{"\x7F"
                               "ELF",
                               4},
                              "a program"}};

bool is_zip(std::string_view s) { return s.starts_with("PK\3\4") || s.starts_with("PK\5\6"); }
bool is_gzip(std::string_view s) { return s.starts_with("\x1F\x8B\x08"); }

bool ends(std::string_view name, std::string_view with) { return name.ends_with(with); }

class Reading {
 public:
  Reading(const ReadOptions& options, std::uint64_t total, Gatherer::Rows rows)
      : options_(options),
        budget_(options.limits),
        gatherer_(options, summary_, rows),
        total_(total) {}

  // top reads the find itself.
  Result<Summary> top(const net::ReadAt& read, std::uint64_t size, const std::string& name) {
    summary_.bytes = size;
    auto done = layer(stream_of_range(read, size), &read, size, name, 0);
    if (!done) return std::unexpected(done.error());
    gatherer_.finish();
    const bool any = std::any_of(summary_.parts.begin(), summary_.parts.end(),
                                 [](const PartSummary& p) { return p.format != Format::unread; });
    if (!any && size > 0)
      return fail(Reason::leak_unreadable,
                  summary_.parts.empty() ? "an archive without content" : summary_.parts[0].note);
    return std::move(summary_);
  }

  std::uint64_t done_bytes = 0;  // of the file itself, for progress

 private:
  bool stopped() const {
    return options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
  }
  std::unexpected<Failure> stop() const { return fail(Reason::trace_stopped); }

  // pass turns damage of one part into a note on it; what concerns the whole find stays a failure.
  Result<void> pass(Failure failure, std::size_t part) {
    if (failure.reason != Reason::archive_broken && failure.reason != Reason::text_not_unicode)
      return std::unexpected(std::move(failure));
    summary_.parts[part].note = failure.detail.empty() ? "damaged" : failure.detail;
    return {};
  }

  std::size_t begin_part(const std::string& name, Format format) {
    PartSummary part;
    part.name = name.substr(0, 1024);
    part.format = format;
    summary_.parts.push_back(std::move(part));
    gatherer_.begin_part();
    return summary_.parts.size() - 1;
  }
  Result<void> note(const std::string& name, std::string_view what) {
    summary_.parts[begin_part(name, Format::unread)].note = what;
    return {};
  }

  // layer tells what a stream is. `read`, if there is one, is the same bytes at random.
  Result<void> layer(std::unique_ptr<ByteStream> stream, const net::ReadAt* read,
                     std::uint64_t size, const std::string& name, unsigned depth) {
    if (stopped()) return stop();
    if (summary_.parts.size() >= options_.limits.parts_max) return note(name, "too many parts");
    std::string first, piece;
    while (first.size() < kSampleBytes) {
      auto more = stream->next(piece);
      if (!more) {
        if (first.empty()) return pass_new(more.error(), name);
        stream = stream_failing(more.error());  // what came before the damage is read
        break;
      }
      if (!*more) break;
      first.append(piece);
    }
    if (is_zip(first) || is_gzip(first)) {
      if (depth >= options_.limits.archive_depth_max)
        return note(name, "archives too deep in each other");
      if (is_gzip(first))
        return layer(stream_of_gzip(stream_after(std::move(first), std::move(stream)), budget_),
                     nullptr, 0, name, depth + 1);
      if (read != nullptr) return zip(*read, size, name, depth);
      return nested_zip(std::move(first), *stream, name, depth);
    }
    for (const auto& magic : kUnread)
      if (std::string_view(first).starts_with(magic.bytes)) return note(name, magic.what);
    if (const int packing = net::packing_of(first); packing >= 0) {
      if (depth >= options_.limits.archive_depth_max)
        return note(name, "archives too deep in each other");
      return unpack(static_cast<net::Packing>(packing),
                    stream_after(std::move(first), std::move(stream)), name, depth);
    }
    if (is_base64(first) && depth < options_.limits.archive_depth_max)
      return layer(stream_of_base64(stream_after(std::move(first), std::move(stream))), nullptr, 0,
                   name, depth + 1);
    if ((is_mail(first) || is_rich_text(first)) && depth < options_.limits.archive_depth_max)
      return carried(std::move(first), *stream, name, depth);
    return text(stream_after(std::move(first), std::move(stream)), name);
  }

  // unpack reads what a process of its own takes apart.
  Result<void> unpack(net::Packing packing, std::unique_ptr<ByteStream> packed,
                      const std::string& name, unsigned depth) {
    const net::Feed feed = [this, &packed](std::string& out) -> Result<bool> {
      if (stopped()) return stop();
      return packed->next(out);
    };
    auto unpacking = net::Unpacking::begin(packing, feed, options_.limits.nested_bytes_max);
    if (!unpacking) return pass_new(unpacking.error(), name);
    std::uint64_t given = 0;  // of all parts: many small bombs are one
    for (std::string inside;;) {
      auto more = (*unpacking)->next_part(inside);
      if (!more) return pass_new(more.error(), name);
      if (!*more) return {};
      auto done = layer(stream_of_unpacking(**unpacking, budget_, given), nullptr, 0,
                        name + "/" + inside.substr(0, 256), depth + 1);
      if (!done) return done;
      if (summary_.parts.size() >= options_.limits.parts_max) return {};
      // What was not wanted of it costs unpacking all the same.
      const auto rest = stream_of_unpacking(**unpacking, budget_, given);
      for (std::string piece;;) {
        if (stopped()) return stop();
        auto left = rest->next(piece);
        if (!left) return pass_new(left.error(), name);
        if (!*left) break;
      }
    }
  }

  // carried reads a mail's parts and a rich text's words; either is held in memory.
  Result<void> carried(std::string bytes, ByteStream& rest, const std::string& name,
                       unsigned depth) {
    if (auto held = hold(bytes, rest); !held) return pass_new(held.error(), name);
    if (bytes.size() > options_.limits.nested_bytes_max)
      return note(name, "a mail or a rich text, too large");
    if (is_rich_text(bytes)) return text(stream_of_text(rich_text(bytes)), name);
    for (MailPart& part : mail_parts(bytes)) {
      if (part.bytes.empty()) continue;
      if (auto spent = budget_.spend(part.bytes.size()); !spent)
        return pass_new(spent.error(), name);
      auto done = layer(stream_of_text(std::move(part.bytes)), nullptr, 0,
                        name + "/" + part.name.substr(0, 256), depth + 1);
      if (!done) return done;
    }
    return {};
  }
  // A text that is at hand, as a stream.
  static std::unique_ptr<ByteStream> stream_of_text(std::string text) {
    static const net::ReadAt kNothing = [](std::uint64_t, std::size_t,
                                           std::string&) -> Result<void> { return {}; };
    return stream_after(std::move(text), stream_of_range(kNothing, 0));
  }
  // hold reads a stream to its end, or until it is too large to hold.
  Result<void> hold(std::string& bytes, ByteStream& rest) {
    std::string piece;
    while (bytes.size() <= options_.limits.nested_bytes_max) {
      auto more = rest.next(piece);
      if (!more) return std::unexpected(more.error());
      if (!*more) break;
      bytes.append(piece);
    }
    return {};
  }
  Result<void> pass_new(Failure failure, const std::string& name) {
    return pass(std::move(failure), begin_part(name, Format::unread));
  }

  Result<void> nested_zip(std::string bytes, ByteStream& rest, const std::string& name,
                          unsigned depth) {
    if (auto held = hold(bytes, rest); !held) return pass_new(held.error(), name);
    if (bytes.size() > options_.limits.nested_bytes_max)
      return note(name, "an archive inside an archive, too large");
    const net::ReadAt read = [&bytes](std::uint64_t offset, std::size_t n,
                                      std::string& out) -> Result<void> {
      if (offset < bytes.size()) out.append(bytes, static_cast<std::size_t>(offset), n);
      return {};
    };
    return zip(read, bytes.size(), name, depth);
  }

  Result<void> zip(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                   unsigned depth) {
    net::ZipLimits limits;
    limits.entries_max = options_.limits.parts_max;
    auto entries = net::zip_entries(read, size, limits);
    if (!entries) return pass_new(entries.error(), name);
    const auto has = [&](std::string_view wanted) {
      return std::any_of(entries->begin(), entries->end(),
                         [&](const auto& e) { return e.name == wanted; });
    };
    if (has("xl/workbook.xml") || has("xl/sharedStrings.xml"))
      return workbook(read, *entries, name);
    const bool document = has("word/document.xml"),
               open_document = has("content.xml") && has("mimetype");
    for (const auto& entry : *entries) {
      if (ends(entry.name, "/")) continue;
      if (document && entry.name != "word/document.xml" && !entry.name.starts_with("word/foot"))
        continue;
      if (open_document && entry.name != "content.xml") continue;
      const std::string inside = name + "/" + entry.name.substr(0, 256);
      auto opened = net::ZipStream::open(read, entry);
      if (!opened) {
        if (auto r = pass_new(opened.error(), inside); !r) return r;
        continue;
      }
      auto stream = stream_of_zip(*std::move(opened), budget_);
      auto done = document || open_document
                      ? markup(std::move(stream), inside)
                      : layer(std::move(stream), nullptr, 0, inside, depth + 1);
      if (!done) return done;
    }
    return {};
  }

  Result<void> markup(std::unique_ptr<ByteStream> stream, const std::string& name) {
    const std::size_t part = begin_part(name, Format::document);
    summary_.parts[part].charset = "UTF-8";
    return parse(*stream, *make_markup_parser(Format::document, gatherer_, options_.limits), part);
  }

  Result<void> workbook(const net::ReadAt& read, const std::vector<net::ZipEntry>& entries,
                        const std::string& name) {
    SharedStrings strings;
    for (const auto& entry : entries) {
      if (entry.name != "xl/sharedStrings.xml") continue;
      const std::size_t part = begin_part(name + "/" + entry.name, Format::sheet);
      if (auto r = sheet(read, entry, *make_strings_parser(strings, options_.limits), part); !r)
        return r;
    }
    for (const auto& entry : entries) {
      if (!entry.name.starts_with("xl/worksheets/") || !ends(entry.name, ".xml")) continue;
      const std::size_t part = begin_part(name + "/" + entry.name.substr(0, 256), Format::sheet);
      if (auto r =
              sheet(read, entry, *make_sheet_parser(strings, gatherer_, options_.limits), part);
          !r)
        return r;
    }
    return {};
  }
  Result<void> sheet(const net::ReadAt& read, const net::ZipEntry& entry, TextParser& parser,
                     std::size_t part) {
    summary_.parts[part].charset = "UTF-8";
    auto opened = net::ZipStream::open(read, entry);
    if (!opened) return pass(opened.error(), part);
    return parse(*stream_of_zip(*std::move(opened), budget_), parser, part);
  }

  // parse feeds a parser with a stream that is UTF-8 already.
  Result<void> parse(ByteStream& stream, TextParser& parser, std::size_t part) {
    std::string piece;
    for (;;) {
      auto more = stream.next(piece);
      if (!more) {
        parser.finish();
        return pass(more.error(), part);
      }
      if (!*more) break;
      if (auto r = fed(piece.size(), part); !r) return r;
      parser.feed(piece);
    }
    parser.finish();
    return {};
  }

  Result<void> fed(std::size_t bytes, std::size_t part) {
    summary_.parts[part].bytes += bytes;
    if (stopped()) return stop();
    if (options_.progress) options_.progress(std::min(done_bytes, total_), total_, summary_.rows);
    return {};
  }

  Result<void> text(std::unique_ptr<ByteStream> stream, const std::string& name) {
    const std::size_t part = begin_part(name, Format::plain);
    std::string piece, decoded;
    auto more = stream->next(piece);
    if (!more) return pass(more.error(), part);
    if (!*more) return {};
    const net::Charset charset = net::detect_charset(piece);
    summary_.parts[part].charset = charset.name + (charset.twice_encoded ? ", encoded twice" : "");
    auto transcoder = net::Transcoder::open(charset);
    if (!transcoder) return pass(transcoder.error(), part);
    std::unique_ptr<TextParser> parser;
    const auto feed = [&](std::string_view bytes) -> Result<void> {
      if (auto r = fed(bytes.size(), part); !r) return r;
      if (parser == nullptr) {
        const Sniffed sniffed = sniff(bytes.substr(0, kSampleBytes));
        summary_.parts[part].format = sniffed.format;
        parser = make_parser(sniffed, gatherer_, options_.limits);
      }
      parser->feed(bytes);
      return {};
    };
    std::size_t skip = transcoder->passes() ? charset.bom_bytes : 0;
    for (;;) {
      if (transcoder->passes()) {
        if (auto r = feed(std::string_view(piece).substr(std::min(skip, piece.size()))); !r)
          return r;
        skip = 0;
      } else {
        decoded.clear();
        transcoder->convert(piece, net::Transcoder::Piece::more_follows, decoded);
        if (auto r = feed(decoded); !r) return r;
      }
      more = stream->next(piece);
      if (!more || !*more) break;
    }
    if (!transcoder->passes()) {
      decoded.clear();
      transcoder->convert({}, net::Transcoder::Piece::last, decoded);
      if (auto r = feed(decoded); !r) return r;
    }
    parser->finish();
    return more ? Result<void>{} : pass(more.error(), part);
  }

  const ReadOptions& options_;
  Summary summary_;
  Budget budget_;
  Gatherer gatherer_;
  const std::uint64_t total_;
};

Result<Summary> read_through(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                             const ReadOptions& options, Gatherer::Rows rows) {
  Reading reading(options, size, rows);
  const net::ReadAt counted = [&](std::uint64_t offset, std::size_t n, std::string& out) {
    reading.done_bytes = std::max(reading.done_bytes, offset + n);
    return read(offset, n, out);
  };
  return reading.top(counted, size, name);
}

// The digest goes over the file once more: it is of the bytes as they were handed in, whatever
// could be read of them.
Result<Digest> digest_of(const net::ReadAt& read, std::uint64_t size, const ReadOptions& options) {
  crypto::Sha256 hash;
  std::string piece;
  for (std::uint64_t at = 0; at < size;) {
    if (options.stop != nullptr && options.stop->load(std::memory_order_relaxed))
      return fail(Reason::trace_stopped);
    piece.clear();
    if (auto r = read(at, 1u << 20, piece); !r) return std::unexpected(r.error());
    if (piece.empty()) return fail(Reason::file_failed, "the file shrank while it was read");
    hash.update(piece);
    at += piece.size();
  }
  return hash.finish();
}

Result<Summary> read_all(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                         const ReadOptions& options,
                         Gatherer::Rows rows = Gatherer::Rows::numbered) {
  auto digest = digest_of(read, size, options);
  if (!digest) return std::unexpected(digest.error());
  auto summary = read_through(read, size, name, options, rows);
  if (summary) summary->sha256 = *digest;
  return summary;
}

}  // namespace

std::string_view word_of(Format format) {
  static constexpr std::string_view kWords[] = {"delimited", "json",  "json-lines", "sql",
                                                "html",      "sheet", "document",   "plain",
                                                "archive",   "unread"};
  return kWords[static_cast<std::size_t>(format)];
}

std::uint64_t Summary::count(Kind kind) const {
  std::uint64_t n = 0;
  for (const std::uint64_t one : found[static_cast<std::size_t>(kind)]) n += one;
  return n;
}

Result<Summary> read_leak(const std::string& path, const ReadOptions& options) {
  auto file = storage::ReadOnlyFile::open(path);
  if (!file) return std::unexpected(file.error());
  const net::ReadAt read = [&file](std::uint64_t offset, std::size_t n, std::string& out) {
    return file->read_at(offset, n, out);
  };
  const std::size_t slash = path.rfind('/');
  return read_all(read, file->size(), slash == path.npos ? path : path.substr(slash + 1), options);
}

Result<Summary> read_leak_at(const net::ReadAt& read, std::uint64_t size, const std::string& name,
                             const ReadOptions& options) {
  return read_all(read, size, name, options);
}

Result<Summary> read_every_row_at(const net::ReadAt& read, std::uint64_t size,
                                  const std::string& name, const ReadOptions& options) {
  return read_all(read, size, name, options, Gatherer::Rows::bare);
}

Result<Summary> read_leak_bytes(std::string_view bytes, const std::string& name,
                                const ReadOptions& options) {
  const net::ReadAt read = [bytes](std::uint64_t offset, std::size_t n,
                                   std::string& out) -> Result<void> {
    if (offset < bytes.size()) out.append(bytes.substr(static_cast<std::size_t>(offset), n));
    return {};
  };
  return read_all(read, bytes.size(), name, options);
}

}  // namespace amanat::trace
