#pragma once
// trace, bundle: the files of an evidence bundle, their manifest, and the container that carries
// them (docs/trace-evidence.md). A file is its bytes; nothing is packed, nothing has a date, so
// that the same files make the same container, byte for byte. Thread-safe functions.

#include <map>
#include <string>
#include <string_view>

#include "model/result.h"

namespace amanat::trace {

/// Files of a bundle by path.
using Files = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t kBundleFilesMax = 200'000;
inline constexpr std::size_t kBundleBytesMax = std::size_t{4} << 30;
inline constexpr std::string_view kManifest = "manifest", kVerdictProof = "verdict.tlog-proof";

/// valid_path: letters, digits, '.', '-' and '_' in parts joined by '/', no part of dots alone, at
/// most 100 bytes.
bool valid_path(std::string_view path);

/// manifest_of lists every file but the manifest and the proof that stands for it: lower-case hex
/// SHA-256, two blanks, path, LF; sorted by path.
std::string manifest_of(const Files& files);
/// check_manifest says whether the manifest is of exactly these files. Errors: evidence_wrong.
Result<void> check_manifest(const Files& files);

/// write_container is a ustar archive (POSIX.1-1988) of the files in order of their paths, with all
/// its other fields fixed. insists on valid paths.
std::string write_container(const Files& files);
/// read_container takes exactly what write_container gives. Errors: evidence_malformed.
Result<Files> read_container(std::string_view bytes);

/// read_bundle reads a directory or a container. Errors: file_failed, evidence_malformed (a path or
/// a kind of file that no bundle has, too many, too large).
Result<Files> read_bundle(const std::string& path);
/// write_bundle writes the files into a new directory. Errors: file_failed, exchange_exists.
Result<void> write_bundle(const Files& files, const std::string& directory);

}  // namespace amanat::trace
