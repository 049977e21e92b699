// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * I2C buses whose chips are played by a program.
 *
 *   insmod i2c-peer.ko buses=1,3     gives /dev/i2c-1 with its far end /dev/i2c-peer-1,
 *                                    and /dev/i2c-3 with /dev/i2c-peer-3
 *
 * Whoever opens the far end plays every chip on that bus. One transfer is one text line each way:
 *
 *   read     "w44:2400\n"          write 24 00 to address 0x44
 *            "r44:6\n"             read 6 bytes from 0x44
 *            "w48:00 r48:2\n"      both, joined by a repeated start
 *            "w48:-\n"             write no bytes (SMBus quick write)
 *   write    "ok 6667a2\n"         done; the bytes of the reads of that line
 *            "err 121\n"           failed with this errno
 *
 * Errors and limits are those of i2c-bcm2835, the driver of the Raspberry Pi: EREMOTEIO when no
 * chip acknowledges (also when nobody holds the far end), ETIMEDOUT when the bus is stuck (no answer
 * within the adapter's 1 s), and only the last message of a transfer may be a read.
 */
#include <linux/completion.h>
#include <linux/i2c.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#define MAX_BUSES 8
#define LINE_BYTES 16384	/* one transfer as text: room for some 8000 bytes of data */

enum transfer_state { IDLE, ASKED, TAKEN, ANSWERED };

struct peer_bus {
	struct i2c_adapter adapter;
	struct miscdevice far_end;
	char far_end_name[16];
	struct mutex lock;		/* guards everything below */
	wait_queue_head_t asked;
	struct completion answered;
	enum transfer_state state;
	bool held;			/* a program has the far end open */
	size_t line_bytes;
	char line[LINE_BYTES];		/* the request, then the answer */
};

static int buses[MAX_BUSES] = { 1 };
static int bus_count = 1;
module_param_array(buses, int, &bus_count, 0444);
MODULE_PARM_DESC(buses, "numbers of the adapters, each /dev/i2c-<number>");

static struct peer_bus *peers[MAX_BUSES];

static int put_request(struct peer_bus *bus, struct i2c_msg *messages, int count)
{
	char *line = bus->line;
	size_t n = 0;
	int i, j;

	for (i = 0; i < count; i++) {
		struct i2c_msg *m = &messages[i];
		bool read = m->flags & I2C_M_RD;

		n += scnprintf(line + n, LINE_BYTES - n, "%s%c%02x:", i ? " " : "", read ? 'r' : 'w',
			       m->addr);
		if (read)
			n += scnprintf(line + n, LINE_BYTES - n, "%u", m->len);
		else if (!m->len)
			n += scnprintf(line + n, LINE_BYTES - n, "-");
		else
			for (j = 0; j < m->len; j++)
				n += scnprintf(line + n, LINE_BYTES - n, "%02x", m->buf[j]);
	}
	n += scnprintf(line + n, LINE_BYTES - n, "\n");
	bus->line_bytes = n;
	return n >= LINE_BYTES - 1 ? -EMSGSIZE : 0;
}

static int take_answer(struct peer_bus *bus, struct i2c_msg *messages, int count)
{
	char *at = strim(bus->line);
	int i, err;

	if (!strncmp(at, "err ", 4))
		return kstrtoint(at + 4, 10, &err) || err <= 0 || err > 4095 ? -EPROTO : -err;
	if (strncmp(at, "ok", 2))
		return -EPROTO;
	at = skip_spaces(at + 2);
	for (i = 0; i < count; i++) {
		struct i2c_msg *m = &messages[i];

		if (!(m->flags & I2C_M_RD))
			continue;
		if (hex2bin(m->buf, at, m->len))	/* stops at the end of a short answer */
			return -EPROTO;
		at += 2 * m->len;
	}
	return *at ? -EPROTO : count;
}

/* The I2C core holds the bus lock here: one transfer at a time on each bus. */
static int peer_transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	struct peer_bus *bus = container_of(adapter, struct peer_bus, adapter);
	int i, ret;

	for (i = 0; i < count; i++)
		if ((messages[i].flags & I2C_M_RD) &&
		    (i < count - 1 || (messages[i].flags & I2C_M_RECV_LEN)))
			return -EOPNOTSUPP;

	mutex_lock(&bus->lock);
	ret = bus->held ? put_request(bus, messages, count) : -EREMOTEIO;
	if (!ret) {
		bus->state = ASKED;
		reinit_completion(&bus->answered);
	}
	mutex_unlock(&bus->lock);
	if (ret)
		return ret;

	wake_up_interruptible(&bus->asked);
	wait_for_completion_timeout(&bus->answered, adapter->timeout);

	mutex_lock(&bus->lock);
	if (bus->state == ANSWERED)
		ret = take_answer(bus, messages, count);
	else
		ret = bus->held ? -ETIMEDOUT : -EREMOTEIO;
	bus->state = IDLE;
	mutex_unlock(&bus->lock);
	return ret;
}

static u32 peer_functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm peer_algorithm = {
	.master_xfer = peer_transfer,
	.functionality = peer_functionality,
};

static int far_end_open(struct inode *inode, struct file *file)
{
	struct peer_bus *bus = container_of(file->private_data, struct peer_bus, far_end);
	int ret = -EBUSY;

	mutex_lock(&bus->lock);
	if (!bus->held) {
		bus->held = true;
		bus->state = IDLE;
		ret = stream_open(inode, file);
	}
	mutex_unlock(&bus->lock);
	return ret;
}

static int far_end_release(struct inode *inode, struct file *file)
{
	struct peer_bus *bus = container_of(file->private_data, struct peer_bus, far_end);

	mutex_lock(&bus->lock);
	bus->held = false;
	complete(&bus->answered);
	mutex_unlock(&bus->lock);
	return 0;
}

static ssize_t far_end_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	struct peer_bus *bus = container_of(file->private_data, struct peer_bus, far_end);
	ssize_t ret;

	for (;;) {
		if (file->f_flags & O_NONBLOCK) {
			if (READ_ONCE(bus->state) != ASKED)
				return -EAGAIN;
		} else if (wait_event_interruptible(bus->asked, READ_ONCE(bus->state) == ASKED)) {
			return -ERESTARTSYS;
		}
		mutex_lock(&bus->lock);
		if (bus->state == ASKED)
			break;
		mutex_unlock(&bus->lock);	/* the transfer timed out meanwhile */
	}
	if (size < bus->line_bytes)
		ret = -EMSGSIZE;
	else if (copy_to_user(to, bus->line, bus->line_bytes))
		ret = -EFAULT;
	else
		ret = bus->line_bytes;
	if (ret > 0)
		bus->state = TAKEN;
	mutex_unlock(&bus->lock);
	return ret;
}

static ssize_t far_end_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	struct peer_bus *bus = container_of(file->private_data, struct peer_bus, far_end);
	ssize_t ret = size;

	if (!size || size >= LINE_BYTES)
		return -EMSGSIZE;
	mutex_lock(&bus->lock);
	if (bus->state != TAKEN) {
		ret = -ETIMEDOUT;		/* too late: the transfer has failed already */
	} else if (copy_from_user(bus->line, from, size)) {
		ret = -EFAULT;
	} else {
		bus->line[size] = 0;
		bus->state = ANSWERED;
		complete(&bus->answered);
	}
	mutex_unlock(&bus->lock);
	return ret;
}

static __poll_t far_end_poll(struct file *file, poll_table *table)
{
	struct peer_bus *bus = container_of(file->private_data, struct peer_bus, far_end);

	poll_wait(file, &bus->asked, table);
	return READ_ONCE(bus->state) == ASKED ? EPOLLIN | EPOLLRDNORM : EPOLLOUT | EPOLLWRNORM;
}

static const struct file_operations far_end_operations = {
	.owner = THIS_MODULE,
	.open = far_end_open,
	.release = far_end_release,
	.read = far_end_read,
	.write = far_end_write,
	.poll = far_end_poll,
};

static struct peer_bus *add_bus(int number)
{
	struct peer_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);
	int ret;

	if (!bus)
		return ERR_PTR(-ENOMEM);
	mutex_init(&bus->lock);
	init_waitqueue_head(&bus->asked);
	init_completion(&bus->answered);

	bus->adapter.owner = THIS_MODULE;
	bus->adapter.algo = &peer_algorithm;
	bus->adapter.nr = number;
	scnprintf(bus->adapter.name, sizeof(bus->adapter.name), "i2c-peer %d", number);
	ret = i2c_add_numbered_adapter(&bus->adapter);
	if (ret)
		goto free;

	scnprintf(bus->far_end_name, sizeof(bus->far_end_name), "i2c-peer-%d", number);
	bus->far_end.minor = MISC_DYNAMIC_MINOR;
	bus->far_end.name = bus->far_end_name;
	bus->far_end.fops = &far_end_operations;
	ret = misc_register(&bus->far_end);
	if (!ret)
		return bus;
	i2c_del_adapter(&bus->adapter);
free:
	kfree(bus);
	return ERR_PTR(ret);
}

static void remove_buses(void)
{
	int i;

	for (i = 0; i < MAX_BUSES && peers[i]; i++) {
		misc_deregister(&peers[i]->far_end);
		i2c_del_adapter(&peers[i]->adapter);
		kfree(peers[i]);
		peers[i] = NULL;
	}
}

static int __init peer_init(void)
{
	int i;

	for (i = 0; i < bus_count; i++) {
		struct peer_bus *bus = add_bus(buses[i]);

		if (IS_ERR(bus)) {
			remove_buses();
			return PTR_ERR(bus);
		}
		peers[i] = bus;
	}
	return 0;
}

module_init(peer_init);
module_exit(remove_buses);
MODULE_DESCRIPTION("I2C adapters whose chips are played by a program");
MODULE_LICENSE("Dual MIT/GPL");
