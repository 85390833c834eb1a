# shellcheck shell=sh
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# configure.sh ROOT FILES REPOSITORY: makes a Debian tree pass for an RPM system of the EL 9 family. No such distribution
# can be had without its own archive; what is faked is all in this file and in base.spec.
set -eu
root=$1 files=$2 repository=$3
cp "$files/os-release" "$root/usr/lib/os-release"
ln -sf ../usr/lib/os-release "$root/etc/os-release"
cp "$files/redhat-release" "$root/etc/redhat-release"
rm -f "$root/etc/debian_version"
mkdir -p "$root/etc/yum.repos.d" "$root/etc/pki/rpm-gpg" "$root/etc/dnf/vars" "$root/etc/rpm" "$root/tmp/base"
echo 9 > "$root/etc/dnf/vars/releasever"
# Debian's rpm keeps its database in the home directory.
printf '%s\n' '%_dbpath /var/lib/rpm' '%__gpg /usr/bin/gpg' '%dist .el9' '%rhel 9' > "$root/etc/rpm/macros"
printf '%s\n' '[main]' gpgcheck=1 installonly_limit=3 clean_requirements_on_remove=True best=True \
  skip_if_unavailable=False > "$root/etc/dnf/dnf.conf"
cp "$files/base.spec" "$root/tmp/base/"
chroot "$root" sh -eu -c '
  rpm --initdb
  rpmbuild -bb --quiet --define "_topdir /tmp/base" /tmp/base/base.spec
  rpm -i --force-debian --nodeps /tmp/base/RPMS/noarch/el-base-stub-*.rpm
  createrepo_c -q /tmp/base/RPMS'
cp -r "$root/tmp/base/RPMS/." "$repository/"
rm -rf "$root/tmp/base"
# Docker has to be there before on such a system. It is off, as after an installation by hand.
chroot "$root" systemctl disable -q docker.service docker.socket containerd.service
# Another system's; a guise brings it back.
mv "$root/usr/bin/zypper" "$root/usr/libexec/zypper"
# No trace of the other package manager; last, as mmdebstrap is done with it.
rm -f "$root"/usr/bin/apt "$root"/usr/bin/apt-* "$root"/usr/bin/dpkg "$root"/usr/bin/dpkg-*
rm -rf "$root"/usr/lib/python3/dist-packages/apt "$root"/usr/lib/python3/dist-packages/apt_*
rm -rf "$root"/usr/lib/python3/dist-packages/aptsources
