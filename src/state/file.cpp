#include "state/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace fusegate::state {
namespace {

std::string failure(std::string_view what, const std::string& path) {
  const int error = errno;
  return std::string{what} + " " + path + ": " + std::generic_category().message(error);
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(); }

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// Some file systems only tell here that a write failed.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Makes the rename itself last. Not every file system can; the file is whole either way.
void sync_folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened.is_open()) {
    ::fsync(opened.fd());
  }
}

}  // namespace

std::expected<void, std::string> replace_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".tmp";
  // A left-over of a process that died is overwritten; a link is not followed, and a pipe that
  // nobody reads is an error instead of a wait.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  File file{::open(beside.c_str(), kFlags, S_IRUSR | S_IWUSR)};
  if (!file.is_open()) {
    return std::unexpected(failure("cannot write", beside));
  }
  if (!write_all(file.fd(), text) || ::fsync(file.fd()) != 0 || !file.close()) {
    auto problem = failure("cannot write", beside);
    ::unlink(beside.c_str());
    return std::unexpected(std::move(problem));
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    auto problem = failure("cannot replace", path);
    ::unlink(beside.c_str());
    return std::unexpected(std::move(problem));
  }
  sync_folder_of(path);
  return {};
}

std::expected<std::optional<std::string>, std::string> read_file(const std::string& path) {
  // Without blocking: a named pipe in its place must not hold up the start.
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file.is_open()) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return std::unexpected(failure("cannot read", path));
  }
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::unexpected(path + " is not a regular file");
  }
  std::string text;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t got = ::read(file.fd(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return std::unexpected(failure("cannot read", path));
    }
    if (got == 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kFileMax) {
      return std::unexpected(path + " is too large for a state file");
    }
  }
}

}  // namespace fusegate::state
