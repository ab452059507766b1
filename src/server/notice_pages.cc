// Pages of notices: a citizen's wish, and the public check of a message. What is typed stands in no
// address; the check says nothing about a number without its code.

#include "console/notice_pages.h"
#include "server/api.h"
#include "server/exchange.h"
#include "server/notices.h"
#include "server/page.h"

namespace amanat::server {
namespace {

// Who guesses: an address, or the network of a subscriber (the first 64 bits of IPv6).
std::string place_of(const Address& from) {
  const std::string bytes(from.begin(), from.end());
  const bool mapped = bytes.starts_with(std::string(10, '\0') + "\xff\xff");
  return mapped ? bytes : bytes.substr(0, 8);
}

}  // namespace

void Api::add_notice_pages() {
  const auto zone = [this] {
    return console::Zone{static_cast<int>(exchange_.detection().parameters().zone_minutes)};
  };
  const auto shown = [this](const Tag& citizen) {
    console::NoticeWish wish;
    Notices* const notices = exchange_.notices();
    wish.offered = notices != nullptr;
    if (!notices) return wish;
    if (const auto now = notices->wish_of(citizen))
      wish.number_end = now->number.substr(now->number.size() - 3);
    return wish;
  };
  routes_.session(
      {"GET", "/me/notices", "citizen", "How I am told of looks, as a page."},
      [shown](const Caller& caller, const Request& request, std::string_view) -> Result<Response> {
        if (!caller.asker().citizen) return fail(Reason::not_your_right, "a citizen's own page");
        return page(console::notices_page(reader_of(request, caller.asker().id),
                                          shown(*caller.asker().citizen)));
      });
  routes_.session(
      {"POST", "/me/notices", "citizen", "Choose the number for notices, or end them."},
      [this, shown](const Caller& caller, const Request& request,
                    std::string_view) -> Result<Response> {
        if (!caller.asker().citizen) return fail(Reason::not_your_right, "a citizen's own page");
        auto form = form_of(request);
        if (!form) return std::unexpected(form.error());
        Notices* const notices = exchange_.notices();
        if (!notices) return fail(Reason::notices_not_sent);
        const console::Reader reader = reader_of(request, caller.asker().id);
        const std::string typed = text_of(*form, "number");
        std::optional<Wish> wish;
        if (!typed.empty()) {
          const auto number = exchange_.catalog().mobile_number(typed);
          if (!number) {
            console::NoticeWish again = shown(*caller.asker().citizen);
            again.number_wrong = true;
            return page(console::notices_page(reader, again), 422);
          }
          wish = Wish{*number, reader.language};
        }
        if (auto done = notices->wish(*caller.asker().citizen, wish); !done)
          return std::unexpected(done.error());
        return page(console::notices_page(reader, shown(*caller.asker().citizen)));
      });
  routes_.open(identity::PublicRoute::notice_page,
               {"GET", "/notice", "anyone", "Where a message is checked."},
               [zone](const Request& request, std::string_view) -> Result<Response> {
                 return page(console::check_notice_page(reader_of(request, {}), std::nullopt,
                                                        nullptr, zone()));
               });
  routes_.open(identity::PublicRoute::notice_page,
               {"POST", "/notice", "anyone", "Whether the exchange sent a message."},
               [this, zone](const Request& request, std::string_view) -> Result<Response> {
                 const console::Reader reader = reader_of(request, {});
                 auto form = form_of(request);
                 if (!form) return std::unexpected(form.error());
                 console::CheckedNotice checked;
                 Notices* const notices = exchange_.notices();
                 if (notices) {
                   const auto number =
                       exchange_.catalog().mobile_number(text_of(*form, "number"));
                   auto found = notices->check(text_of(*form, "code"), number.value_or("-"),
                                               place_of(request.from), request.received);
                   if (!found) {
                     const ReasonRow& row = row_of(found.error().reason);
                     return page(
                         console::check_notice_page(reader, std::nullopt, &row, zone()),
                         row.http_status);
                   }
                   if (*found) checked = {true, (*found)->text, (*found)->sent};
                 }
                 return page(console::check_notice_page(reader, checked, nullptr, zone()));
               });
}

}  // namespace amanat::server
