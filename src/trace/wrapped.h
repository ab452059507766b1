#pragma once
// trace, wrapped: texts that carry other bytes: base64, mail with its attachments, rich text. Each
// is told by how it begins. This room only; pure.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/bytes.h"

namespace amanat::trace {

/// is_base64 is whether a beginning, at least 64 bytes of it, is nothing but base64 (RFC 4648) with
/// or without line ends, mixed enough to be no word or number.
bool is_base64(std::string_view first);
/// stream_of_base64 gives the bytes; it ends at the first character that is none of it.
std::unique_ptr<ByteStream> stream_of_base64(std::unique_ptr<ByteStream> text);

/// is_mail is whether a text begins with a mail's header (RFC 5322) and has a MIME type.
bool is_mail(std::string_view first);
struct MailPart {
  std::string name, bytes;  // unpacked from base64 or quoted-printable
};
/// mail_parts takes a mail apart, parts in parts up to four deep; its own header is left out.
std::vector<MailPart> mail_parts(std::string_view mail);

bool is_rich_text(std::string_view first);
/// rich_text is the text of an RTF document as UTF-8: a line a paragraph, a tab a cell.
std::string rich_text(std::string_view document);

}  // namespace amanat::trace
