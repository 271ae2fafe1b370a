#include "schema/errc.hpp"

#include <array>
#include <utility>

#include <caf/atom.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace tandem {
namespace {

constexpr auto category = caf::atom("tandem");

constexpr std::array names{"unknown",         "invalid_argument", "not_found",         "conflict",
                           "overloaded",      "unavailable",      "deadline_exceeded", "cancelled",
                           "engine_failed",   "invalid_output",   "malformed_message", "corrupted",
                           "storage_failed",  "locked",           "not_authenticated", "internal",
                           "budget_exceeded", "weights_changed"};

}  // namespace

const char* to_string(errc code) noexcept {
  auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : "unknown";
}

bool can_retry(errc code) noexcept {
  switch (code) {
    case errc::overloaded:
    case errc::unavailable:
    case errc::deadline_exceeded:
    case errc::engine_failed:
    case errc::invalid_output:
      return true;
    default:
      return false;
  }
}

caf::error make_error(errc code, std::string context) {
  return {static_cast<std::uint8_t>(code), category, caf::make_message(std::move(context))};
}

caf::error make_error(errc code) {
  return {static_cast<std::uint8_t>(code), category};
}

errc code_of(const caf::error& err) noexcept {
  // CAF reads an empty error's category through a null pointer.
  if (!err) return errc::unknown;
  if (err.category() == category) {
    return err.code() < names.size() ? static_cast<errc>(err.code()) : errc::unknown;
  }
  if (err == caf::sec::request_timeout) return errc::deadline_exceeded;
  if (err == caf::sec::request_receiver_down || err == caf::sec::cannot_connect_to_node ||
      err.category() == caf::atom("exit"))
    return errc::unavailable;
  return errc::internal;
}

std::string message_of(const caf::error& err) {
  if (!err) return {};
  if (err.category() == category) {
    if (err.context().match_elements<std::string>()) return err.context().get_as<std::string>(0);
    return to_string(code_of(err));
  }
  return caf::to_string(err);
}

}  // namespace tandem
