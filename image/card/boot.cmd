# U-Boot's script: chooses the slot, counts the tries of one that has yet to show that it works.
# BOOT_ORDER and BOOT_<slot>_LEFT are RAUC's; nine tries (boot-attempts in etc/rauc/system.conf) mean
# "found good": such a slot is not counted down, so that an ordinary start writes nothing.
test -n "${devtype}" || setenv devtype mmc
test -n "${devnum}" || setenv devnum 0
setexpr copy_addr ${scriptaddr} + 0x100000

# The environment was cut off while it was written: its copy was written before or after, never at once.
# It is written anew, or RAUC could not read it.
if test -z "${BOOT_ORDER}"; then
  echo "seedbox: environment lost, taking its copy"
  if load ${devtype} ${devnum}:1 ${copy_addr} uboot-copy.env; then
    env import -c ${copy_addr} ${filesize}
  fi
  test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
  test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 9
  test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 9
  saveenv
fi

# Further words for the kernel, as `cmdline=…` in a file of the boot partition.
if test -e ${devtype} ${devnum}:1 cmdline.txt; then
  load ${devtype} ${devnum}:1 ${copy_addr} cmdline.txt
  env import -t ${copy_addr} ${filesize} cmdline
fi

setexpr base ${kernel_addr_r} "&" 0xf0000000
setexpr kernel_comp_addr_r ${base} + 0x0a000000
setenv kernel_comp_size 0x04000000
setexpr kernel ${base} + 0x00200000
setexpr initramfs ${base} + 0x10000000

for slot in "${BOOT_ORDER}"; do
  setenv left 0
  if test "${slot}" = "A"; then
    setenv part 2
    setenv left ${BOOT_A_LEFT}
  fi
  if test "${slot}" = "B"; then
    setenv part 3
    setenv left ${BOOT_B_LEFT}
  fi
  if test ${left} -gt 0; then
    if test ${left} -lt 9; then
      setexpr left ${left} - 1
      setenv BOOT_${slot}_LEFT ${left}
      saveenv
    fi
    echo "seedbox: slot ${slot}, tries left ${left}"
    setenv bootargs "root=PARTUUID=5eedb0c5-0${part} rauc.slot=${slot} ro rootwait systemd.volatile=state fsck.repair=yes panic=10 loglevel=4 console=ttyAMA10,115200 console=ttyS1,115200 console=tty1 ${cmdline}"
    if load ${devtype} ${devnum}:${part} ${kernel} /boot/vmlinuz.gz; then
      if load ${devtype} ${devnum}:${part} ${initramfs} /boot/initramfs; then
        booti ${kernel} ${initramfs}:${filesize} ${fdt_addr}
      fi
    fi
    echo "seedbox: slot ${slot} does not load"
  fi
done

# Better a slot that failed once than none at all.
echo "seedbox: no slot has tries left, giving each one more"
setenv BOOT_A_LEFT 1
setenv BOOT_B_LEFT 1
saveenv
reset
