#include "nodes/cli/text_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "config/words.hpp"
#include "nodes/cli/format.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

caf::error unreadable(std::string_view what, const std::string& name) {
  return make_error(errc::not_found, "cannot read " + std::string{what} + " from " + name + ": " +
                                         std::string{std::strerror(errno)});
}

}  // namespace

caf::expected<std::string> read_all(int fd, const std::string& name, std::size_t bytes_max,
                                    std::string_view what) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(what, name);
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > bytes_max) {
      return make_error(errc::invalid_argument, std::string{what} + " in " + name +
                                                    " is larger than " + human_bytes(bytes_max) +
                                                    "; shorten it");
    }
  }
}

caf::expected<std::string> read_text_file(const std::string& path, std::size_t bytes_max,
                                          std::string_view what) {
  auto name = quote_word(path);
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return unreadable(what, name);
  auto text = read_all(fd, name, bytes_max, what);
  ::close(fd);
  return text;
}

}  // namespace tandem::cli
