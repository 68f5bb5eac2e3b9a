package send

import "encoding/binary"

// rejected reads how much of a message the collector did not take: field 1 of partial_success, which is field 1 of the
// answer. Spans and metrics have the same shape. An answer that cannot be read says nothing.
func rejected(answer []byte) error {
	count, _ := binary.Uvarint(field(field(answer)))
	if count == 0 {
		return nil
	}
	return &RejectedError{Count: count}
}

// field gives the content of field 1: the bytes of a message, or what begins with the number.
func field(message []byte) []byte {
	const varint, sized = 0, 2
	for len(message) > 0 {
		key, read := binary.Uvarint(message)
		if read <= 0 {
			return nil
		}
		message = message[read:]
		size, read := binary.Uvarint(message)
		if read <= 0 {
			return nil
		}
		switch {
		case key == 1<<3|varint:
			return message
		case key&7 == varint:
			message = message[read:]
			continue
		case key&7 != sized || size > uint64(len(message)-read):
			return nil
		}
		if key == 1<<3|sized {
			return message[read : read+int(size)]
		}
		message = message[read+int(size):]
	}
	return nil
}
