#include "actors/weights/file_bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tandem {

open_file::~open_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

caf::error errno_error(const std::string& what, errc code) {
  return make_error(code, what + ": " + std::generic_category().message(errno));
}

caf::expected<open_file> open_to_read(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a FIFO by mistake must not hang.
  open_file out{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!out.is_open()) return errno_error(path.string(), errc::invalid_argument);
  struct stat info = {};
  if (::fstat(out.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return make_error(errc::invalid_argument, path.string() + ": not a regular file");
  return out;
}

caf::error read_at(int file, std::uint64_t offset, std::span<std::uint8_t> out,
                   const std::string& name) {
  while (!out.empty()) {
    const auto got = ::pread(file, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(name + ": cannot read");
    if (got == 0) {
      return make_error(errc::storage_failed, name + ": ends at byte " + std::to_string(offset) +
                                                  ", " + std::to_string(out.size()) +
                                                  " bytes too early");
    }
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return caf::none;
}

caf::error write_at(int file, std::uint64_t offset, std::span<const std::uint8_t> bytes,
                    const std::string& name) {
  while (!bytes.empty()) {
    const auto put = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return errno_error(name + ": cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return caf::none;
}

caf::expected<std::string> read_small(const std::filesystem::path& path, std::uint64_t bytes_max) {
  auto file = open_to_read(path);
  if (!file) return std::move(file.error());
  struct stat info = {};
  if (::fstat(file->get(), &info) != 0) return errno_error(path.string());
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > bytes_max) {
    return make_error(errc::invalid_argument, path.string() + ": has " + std::to_string(size) +
                                                  " bytes; at most " + std::to_string(bytes_max) +
                                                  " are allowed");
  }
  std::string out(size, '\0');
  if (auto err = read_at(file->get(), 0, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()},
                         path.string()))
    return err;
  return out;
}

caf::error write_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  auto beside = path;
  beside += ".new";
  // One that a crash has left may have another mode.
  ::unlink(beside.c_str());
  {
    const open_file file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    if (!file.is_open()) return errno_error(beside.string());
    if (auto err = write_at(file.get(), 0,
                            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                            beside.string()))
      return err;
    if (::fdatasync(file.get()) != 0) return errno_error(beside.string() + ": cannot sync");
  }
  if (::rename(beside.c_str(), path.c_str()) != 0)
    return errno_error(path.string() + ": cannot rename");
  return sync_folder(path.parent_path());
}

caf::error sync_folder(const std::filesystem::path& folder) {
  const open_file opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open() || ::fsync(opened.get()) != 0)
    return errno_error(folder.string() + ": cannot sync");
  return caf::none;
}

std::string quoted_name(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 128))
    out += (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  return out + (text.size() > 128 ? "...'" : "'");
}

}  // namespace tandem
