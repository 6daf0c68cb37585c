use eyas_kernels::RightLayout;

use crate::sample::{gather, product, scatter, softmax};

#[test]
fn a_map_shows_what_it_reads_and_writes() {
    let expected = "\
kernel block.test
  #0 read f32[8*V]
  #1 read i64[B]
  #2 write f32[8*B]
  map [i0 < B, i1 < 8]
    read  #0[i1 + 8*(#1[i0] < V)]
      %0: f32 = input 0
    write #2[8*i0 + i1] = %0
";
    assert_eq!(gather().to_string(), expected);
}

#[test]
fn a_reduction_shows_its_stages_and_finishes() {
    let expected = "\
kernel block.test
  #0 read f32[6*B]
  #1 write f32[6*B]
  #2 write f32[B]
  reduce [o0 < B, i0 < 2, i1 < 3]
    read  #0[6*o0 + 3*i0 + i1]
  stage 0 maximum in f32
      %0: f32 = input 0
    fold  %0
  stage 1 sum in f32
      %0: f32 = input 0
      %1: f32 = input 1
      %2: f32 = subtract %0 %1
      %3: f32 = exp %2
    fold  %3
  row
      %0: f32 = input 0
    write #2[o0] = %0
  element
      %0: f32 = input 0
      %1: f32 = input 1
      %2: f32 = subtract %0 %1
      %3: f32 = exp %2
      %4: f32 = input 2
      %5: f32 = divide %3 %4
    write #1[6*o0 + 3*i0 + i1] = %5
";
    assert_eq!(softmax().to_string(), expected);
}

#[test]
fn a_contraction_and_a_scatter_name_their_operands() {
    let expected = "\
kernel block.test
  #0 read f32[24*B]
  #1 read f32[48]
  #2 read f32[5]
  #3 write f32[20*B]
  contraction [b0 < B, m0 < 4, n0 < 5, k0 < 2, k1 < 3]
    left  #0[24*b0 + 6*m0 + 3*k0 + k1]
    right #1[0..] in panels of 4
    sum in f32
    read  #2[n0]
      %0: f32 = input 0
      %1: f32 = input 1
      %2: f32 = add %0 %1
    write #3[20*b0 + 5*m0 + n0] = %2
";
    assert_eq!(product(RightLayout::Panels(4)).to_string(), expected);
    let expected = "\
kernel block.test
  label block
  source 0:10..20
  #0 read f32[8*B]
  #1 read i64[B]
  #2 update f32[80]
  scatter [i0 < B, i1 < 2, i2 < 4] add
    update #0[8*i0 + 4*i1 + i2]
    target #2[4*i1 + i2 + 8*(#1[i0] < 10)]
";
    assert_eq!(format!("{:#}", scatter()), expected);
}
