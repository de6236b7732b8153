//! What stands in for compression in a build without it: types without values, so that every use of them
//! compiles to nothing.

use crate::error::PeerMisbehaved;
use crate::opcode::MessageKind;
use alloc::vec::Vec;

#[derive(Clone, Copy, Debug)]
pub(crate) enum NegotiatedDeflate {}

#[derive(Debug)]
pub(crate) enum Compressor {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settings {}

impl Compressor {
    pub(crate) fn compress(&mut self, _: &[u8], _: &Settings) -> Option<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn forget_context(&mut self) {
        match *self {}
    }

    pub(crate) fn held_bytes(&self, _: &Settings) -> usize {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) enum Decompressor {}

pub(crate) struct Inflated {
    pub(crate) read: usize,
    pub(crate) written: usize,
    pub(crate) verdict: Result<(), PeerMisbehaved>,
}

impl Decompressor {
    pub(crate) fn inflate(&mut self, _: &[u8], _: &mut [u8]) -> Inflated {
        match *self {}
    }

    pub(crate) fn finish(&mut self) -> Result<(), PeerMisbehaved> {
        match *self {}
    }

    pub(crate) fn held_bytes(&self) -> usize {
        match *self {}
    }
}

#[derive(Debug, Default)]
pub(crate) struct JoinedForms(());

impl JoinedForms {
    pub(crate) fn frames(&self, settings: &Settings, _: impl Fn() -> Vec<u8>) -> &[u8] {
        match *settings {}
    }
}

#[derive(Debug, Default)]
pub(crate) struct Forms(());

impl Forms {
    pub(crate) fn frame(&self, settings: &Settings, _: MessageKind, _: &[u8]) -> Option<&[u8]> {
        match *settings {}
    }
}
