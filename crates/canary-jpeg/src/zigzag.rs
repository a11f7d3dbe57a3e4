//! The order in which a block's coefficients are stored: ITU-T T.81, figure A.6.

/// The position in row order of each coefficient in zigzag order, with room for runs past the end.
pub(crate) const ZIGZAG: [u8; 80] = {
    let mut order = [63; 80];
    let (mut x, mut y, mut up, mut at) = (0_i8, 0_i8, true, 0);
    while at < 64 {
        order[at] = (y * 8 + x).cast_unsigned();
        if up {
            if x == 7 {
                y += 1;
                up = false;
            } else if y == 0 {
                x += 1;
                up = false;
            } else {
                x += 1;
                y -= 1;
            }
        } else if y == 7 {
            x += 1;
            up = true;
        } else if x == 0 {
            y += 1;
            up = true;
        } else {
            x -= 1;
            y += 1;
        }
        at += 1;
    }
    order
};
