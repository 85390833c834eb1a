# shellcheck shell=sh
# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# dress.sh SYSTEM: makes a host of the image el9 pass for another rpm system, and boots it. The package manager is the
# real one for sles15 (zypper); for amzn2 it is dnf under the name of yum, as there is no other yum to be had. Docker is
# not there as yet; the package "docker" puts the Docker underneath in place.
set -eu
system=$1
if [ ! -e /var/lib/dressed ]; then
    cp "/usr/lib/guises/$system.os-release" /usr/lib/os-release
    rm -f /etc/redhat-release /usr/lib/systemd/system/docker.* /etc/init.d/docker
    case $system in
    amzn2)
        ln -s dnf-3 /usr/bin/yum
        ln -s dnf/dnf.conf /etc/yum.conf
        rm /usr/bin/dnf
        ;;
    sles15)
        mv /usr/libexec/zypper /usr/bin/zypper
        mkdir -p /etc/zypp/repos.d
        mv /etc/yum.repos.d/lab.repo /etc/zypp/repos.d/
        rm /usr/bin/dnf
        # Debian's rpm wants to be told that this is meant; zypper does not know how.
        mv /usr/bin/rpm /usr/libexec/rpm
        cat > /usr/bin/rpm <<'END'
#!/bin/sh
for word; do
    case $word in -U | -i | -e) set -- --force-debian "$@" ;; esac
done
exec /usr/libexec/rpm "$@"
END
        chmod 0755 /usr/bin/rpm
        ;;
    esac
    touch /var/lib/dressed
fi
exec /lib/systemd/systemd
