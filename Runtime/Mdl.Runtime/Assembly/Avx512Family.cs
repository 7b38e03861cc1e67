using System.Runtime.Intrinsics.X86;
using Iced.Intel;

namespace Mdl.Runtime.Assembly;

/// <summary>AVX-512 Foundation: 24 accumulators, two vectors of the right operand and six broadcasts in flight fill the 32 registers.</summary>
internal class Avx512Family : InstructionFamily
{
    /// <inheritdoc/>
    public override int Lanes => 16;

    /// <inheritdoc/>
    public override int TileRows => 12;

    /// <inheritdoc/>
    public override int TileVectors => 2;

    /// <inheritdoc/>
    public override int Registers => 32;

    /// <inheritdoc/>
    public override Register Vector(int index) => Register.ZMM0 + index;

    /// <inheritdoc/>
    public override void PrepareMask(MachineCode code, MemoryOperand bits) => code.Add(Instruction.Create(Code.VEX_Kmovw_kr_km16, Register.K1, bits));

    /// <inheritdoc/>
    public override void Zero(MachineCode code, int target) =>
        code.Add(Instruction.Create(Code.EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32, Vector(target), Vector(target), Vector(target)));

    /// <inheritdoc/>
    public override void Load(MachineCode code, int target, MemoryOperand address, bool masked) =>
        code.Add(Masked(Instruction.Create(Code.EVEX_Vmovups_zmm_k1z_zmmm512, Vector(target), address), masked, zero: true));

    /// <inheritdoc/>
    public override void Store(MachineCode code, MemoryOperand address, int source, bool masked) =>
        code.Add(Masked(Instruction.Create(Code.EVEX_Vmovups_zmmm512_k1z_zmm, address, Vector(source)), masked, zero: false));

    /// <inheritdoc/>
    public override void Broadcast(MachineCode code, int target, MemoryOperand address) =>
        code.Add(Instruction.Create(Code.EVEX_Vbroadcastss_zmm_k1z_xmmm32, Vector(target), address));

    /// <inheritdoc/>
    public override void MultiplyAdd(MachineCode code, int target, int left, int right) =>
        code.Add(Instruction.Create(Code.EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er, Vector(target), Vector(left), Vector(right)));

    /// <summary>
    /// Only where a wide multiply-add starts every cycle and not two (AMD family 25): there instructions are scarce, and a multiply-add that broadcasts saves one.
    /// With two multiply-adds a cycle the loads are scarce: 86 % of the peak with such broadcasts, 93 % without (measured on Cascade Lake).
    /// </summary>
    public override bool BroadcastsFromMemory { get; } = IsProcessor("Auth"u8, 25);

    /// <summary>With multiply-adds that do not broadcast it does not matter how an element is addressed, and a copy gains less.</summary>
    public override int FewColumnsAgainstRows => BroadcastsFromMemory ? base.FewColumnsAgainstRows : 512;

    /// <inheritdoc/>
    public override void MultiplyAddBroadcast(MachineCode code, int target, int right, MemoryOperand address)
    {
        var instruction = Instruction.Create(Code.EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er, Vector(target), Vector(right), address);
        instruction.IsBroadcast = true;
        code.Add(instruction);
    }

    /// <inheritdoc/>
    public override void Multiply(MachineCode code, int target, int right) =>
        code.Add(Instruction.Create(Code.EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er, Vector(target), Vector(target), Vector(right)));

    /// <inheritdoc/>
    public override void AddFrom(MachineCode code, int target, MemoryOperand address, bool masked, int scratch) =>
        code.Add(Masked(
            Instruction.Create(Code.EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er, Vector(target), Vector(target), address), masked, zero: true));

    private static bool IsProcessor(ReadOnlySpan<byte> maker, int family)
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Ebx != BitConverter.ToInt32(maker))
        {
            return false;
        }

        var signature = X86Base.CpuId(1, 0).Eax;
        return (signature >> 8 & 0xF) + (signature >> 20 & 0xFF) == family;
    }

    /// <summary>The instruction on the masked columns only.</summary>
    protected static Instruction Masked(Instruction instruction, bool masked, bool zero)
    {
        if (masked)
        {
            instruction.OpMask = Register.K1;
            instruction.ZeroingMasking = zero;
        }

        return instruction;
    }
}
