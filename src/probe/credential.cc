// A credential file is read like a private key: if others may read it, it is no secret any more,
// and using it would hide that.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "model/secret.h"
#include "probe/probe.h"
#include "storage/file.h"

namespace amanat::probe {
namespace {

constexpr std::size_t kFileMost = 64 * 1024, kBodyMost = 64 * 1024, kLinesMost = 200;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
}

Result<void> must_be_private(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return fail(Reason::file_failed, file + " cannot be read");
  if (!S_ISREG(info.st_mode)) return fail(Reason::credential_wrong, file + " is no file");
  if ((info.st_mode & 077) != 0)
    return fail(Reason::credential_wrong, file + " may be read by others: chmod 600 it");
  return {};
}

// word_of cuts the first word off.
std::string_view word_of(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

class CredentialReader {
 public:
  CredentialReader(const std::string& file) : file_(file) {}

  Result<Credential> read(std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      const auto one = trimmed(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (++line_ > kLinesMost) return wrong("too many lines");
      if (one.empty() || one[0] == '#') continue;
      if (const auto taken = one[0] == '@' ? special(one.substr(1)) : header(one); !taken)
        return std::unexpected(taken.error());
    }
    if (made_.certificate.certificate_file.empty() != made_.certificate.key_file.empty())
      return wrong("@certificate and @key go together");
    if (made_.empty()) return wrong("it holds no credential");
    return std::move(made_);
  }

 private:
  std::unexpected<Failure> wrong(const std::string& what) const {
    return fail(Reason::credential_wrong, file_ + ":" + std::to_string(line_) + ": " + what);
  }
  std::string beside(std::string_view path) const {
    return (std::filesystem::path(file_).parent_path() / path).string();
  }

  Result<void> header(std::string_view one) {
    const auto colon = one.find(':');
    if (colon == one.npos) return wrong("a header line is 'Name: value'");
    const auto name = trimmed(one.substr(0, colon)), value = trimmed(one.substr(colon + 1));
    if (!is_token(name) || !is_plain(value) || value.empty()) return wrong("not a header");
    made_.headers.emplace_back(name, value);
    return {};
  }

  Result<void> special(std::string_view rest) {
    const auto word = word_of(rest);
    if (word == "certificate" || word == "key") {
      if (rest.empty()) return wrong("@" + std::string(word) + " names a file");
      (word == "key" ? made_.certificate.key_file : made_.certificate.certificate_file) =
          beside(rest);
      return {};
    }
    if (word == "query") {
      const auto equals = rest.find('=');
      if (equals == rest.npos || equals == 0) return wrong("@query is name=value");
      made_.query.emplace_back(rest.substr(0, equals), rest.substr(equals + 1));
      return {};
    }
    if (word == "value") {
      const auto name = word_of(rest);
      if (name.empty() || rest.empty() || !is_plain(rest)) return wrong("@value is NAME VALUE");
      made_.values[std::string(name)] = rest;
      return {};
    }
    if (word == "body") {
      const std::string method(word_of(rest)), path(word_of(rest));
      if (rest.empty()) return wrong("@body is METHOD /path FILE");
      auto body = storage::read_file(beside(rest), kBodyMost);
      if (!body) return std::unexpected(body.error());
      made_.bodies[method + " " + path] = *std::move(body);
      return {};
    }
    return wrong("known are @certificate, @key, @query, @value and @body");
  }

  const std::string& file_;
  std::size_t line_ = 0;
  Credential made_;
};

}  // namespace

Result<Credential> read_credential(const std::string& file) {
  if (const auto safe = must_be_private(file); !safe) return std::unexpected(safe.error());
  auto text = storage::read_file(file, kFileMost);
  if (!text) return std::unexpected(text.error());
  CredentialReader reader(file);
  auto made = reader.read(*text);
  wipe(text->data(), text->size());
  return made;
}

}  // namespace amanat::probe
