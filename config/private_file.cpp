#include "config/private_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "schema/errc.hpp"

namespace tandem {
namespace {

caf::error failed(const std::string& what, const std::filesystem::path& path) {
  std::string reason = std::strerror(errno);
  return make_error(errc::storage_failed, what + " '" + path.string() + "' failed: " + reason);
}

class descriptor {
 public:
  explicit descriptor(int value) : value_{value} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

caf::error make_private_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return make_error(errc::invalid_argument, "no folder is named");
  auto path = folder.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (path.has_parent_path() && !std::filesystem::exists(path.parent_path())) {
      if (auto err = make_private_folder(path.parent_path())) return err;
    }
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
      return failed("making the folder", path);
    }
    if (::stat(path.c_str(), &status) != 0) return failed("reading the folder", path);
  }
  if (!S_ISDIR(status.st_mode)) {
    errno = ENOTDIR;
    return failed("using the folder", path);
  }
  return caf::none;
}

caf::error write_private_file(const std::filesystem::path& file, std::string_view bytes) {
  auto temporary = file;
  temporary += "." + std::to_string(::getpid()) + ".tmp";
  ::unlink(temporary.c_str());
  {
    descriptor out{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          S_IRUSR | S_IWUSR)};
    if (out.get() < 0) return failed("making", temporary);
    if (!write_all(out.get(), bytes) || ::fsync(out.get()) != 0) {
      auto err = failed("writing", temporary);
      ::unlink(temporary.c_str());
      return err;
    }
  }
  if (::rename(temporary.c_str(), file.c_str()) != 0) {
    auto err = failed("renaming to", file);
    ::unlink(temporary.c_str());
    return err;
  }
  descriptor folder{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return failed("syncing the folder of", file);
  return caf::none;
}

caf::expected<file_lock> file_lock::acquire(const std::filesystem::path& file,
                                            std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds pause{20};
  int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (lock < 0) return failed("opening", file);
  file_lock result{lock};
  auto tries = patience / pause;
  while (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed("locking", file);
    if (tries-- <= 0) {
      return make_error(errc::locked, "another process holds '" + file.string() + "'; `fuser " +
                                          file.string() + "` names it");
    }
    std::this_thread::sleep_for(pause);
  }
  return result;
}

file_lock::file_lock(file_lock&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)} {}

file_lock::~file_lock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tandem
