#include "schema/errc.hpp"

#include <gtest/gtest.h>

#include <capnp/schema.h>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

#include "schema/common.capnp.h"

namespace tandem {
namespace {

std::string snake_case(std::string_view camel) {
  std::string snake;
  for (char c : camel) {
    if (c >= 'A' && c <= 'Z') {
      snake += '_';
      c = static_cast<char>(c - 'A' + 'a');
    }
    snake += c;
  }
  return snake;
}

TEST(errc, HasTheNamesAndNumbersOfTheSchema) {
  auto known = capnp::Schema::from<schema::Errc>().getEnumerants();
  for (auto each : known)
    EXPECT_EQ(snake_case(each.getProto().getName().cStr()),
              to_string(static_cast<errc>(each.getOrdinal())));
  EXPECT_EQ(static_cast<std::size_t>(errc::weights_changed) + 1, known.size());
  EXPECT_STREQ(to_string(static_cast<errc>(known.size())), "unknown");
  EXPECT_STREQ(to_string(static_cast<errc>(255)), "unknown");
}

TEST(errc, ErrorsCarryTheirCodeAndWords) {
  for (std::uint8_t code = 1; code <= static_cast<std::uint8_t>(errc::weights_changed); ++code) {
    auto err = make_error(static_cast<errc>(code), "what, where, how");
    EXPECT_TRUE(err);
    EXPECT_EQ(code_of(err), static_cast<errc>(code));
    EXPECT_EQ(message_of(err), "what, where, how");
    EXPECT_EQ(message_of(make_error(static_cast<errc>(code))), to_string(static_cast<errc>(code)));
  }
}

TEST(errc, MapsCafsOwnErrors) {
  EXPECT_EQ(code_of(caf::make_error(caf::sec::request_timeout)), errc::deadline_exceeded);
  EXPECT_EQ(code_of(caf::make_error(caf::sec::request_receiver_down)), errc::unavailable);
  EXPECT_EQ(code_of(caf::make_error(caf::sec::cannot_connect_to_node)), errc::unavailable);
  EXPECT_EQ(code_of(caf::make_error(caf::exit_reason::kill)), errc::unavailable);
  EXPECT_EQ(code_of(caf::make_error(caf::sec::unexpected_message)), errc::internal);
  EXPECT_FALSE(message_of(caf::make_error(caf::sec::request_timeout)).empty());
}

TEST(errc, OnlyWhatMayPassLaterIsRetried) {
  for (auto code : {errc::overloaded, errc::unavailable, errc::deadline_exceeded,
                    errc::engine_failed, errc::invalid_output})
    EXPECT_TRUE(can_retry(code)) << to_string(code);
  for (auto code : {errc::unknown, errc::invalid_argument, errc::not_found, errc::conflict,
                    errc::cancelled, errc::malformed_message, errc::corrupted, errc::storage_failed,
                    errc::locked, errc::not_authenticated, errc::internal})
    EXPECT_FALSE(can_retry(code)) << to_string(code);
}

}  // namespace
}  // namespace tandem
