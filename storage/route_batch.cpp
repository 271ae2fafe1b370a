#include "schema/errc.hpp"
#include "schema/text.hpp"
#include "storage/keys.hpp"
#include "storage/route_store.hpp"

namespace tandem::storage {

namespace {

// What is above could be written and not read back.
constexpr std::size_t message_bytes_max = message_limits{}.words_max * sizeof(capnp::word);

template <class Message>
caf::error check_message(const Message& message, const char* what) {
  if (message.empty())
    return make_error(errc::invalid_argument, std::string("an empty message for ") + what);
  if (message.bytes().size() > message_bytes_max)
    return make_error(errc::invalid_argument, std::string(what) + " of " +
                                                  std::to_string(message.bytes().size()) +
                                                  " bytes; 1 MiB is the most that is kept");
  return {};
}

}  // namespace

bool route_batch::empty() const {
  return statistics.empty() && decisions.empty() && changes.empty() && setting.empty() &&
         states.empty() && forgotten_origins.empty() && forgotten_decisions.empty();
}

caf::error route_batch::check() const {
  for (const auto& one : statistics) {
    if (auto err = check_message(one, "the statistics of an arm")) return err;
    if (view(one.read()->getModel()).size() > keys::tenant_bytes_max)
      return make_error(errc::invalid_argument, "an arm's model has a name above 1024 bytes");
  }
  for (const auto& one : decisions) {
    if (auto err = check_message(one, "a decision")) return err;
    if (one.read()->getId() == 0)
      return make_error(errc::invalid_argument, "a decision to be kept has no id");
  }
  for (const auto& one : changes)
    if (auto err = check_message(one, "a change of the setting")) return err;
  if (!setting.empty())
    if (auto err = check_message(setting, "the setting")) return err;
  for (const auto& [name, bytes] : states) {
    if (name.empty() || name.size() > keys::tenant_bytes_max)
      return make_error(errc::invalid_argument, "a state's name has from 1 to 1024 bytes");
    if (bytes.size() > message_bytes_max)
      return make_error(errc::invalid_argument, "the state '" + name + "' is above 1 MiB");
  }
  return {};
}

}  // namespace tandem::storage
